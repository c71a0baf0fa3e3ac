import { APIKeyAuth, policy } from "@backplane/auth";
import { MCPClient, MCPConnectionPool } from "@backplane/client";
import { MCPServer, ToolExecutionError } from "@backplane/server";
import {
  FunctionNode,
  MCPToolNode,
  WorkflowBuildError,
  WorkflowBuilder,
} from "@backplane/workflow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const Weather = z.object({ city: z.string(), temperature: z.number(), condition: z.string() });
let aborted = 0;
let flaky = 0;

function weatherServer(): MCPServer {
  const server = new MCPServer({ name: "weather", version: "1.0.0" });
  server.tool(
    "get_weather",
    {
      input: z.object({ city: z.string(), unit: z.string().default("C") }),
      output: Weather,
      annotations: { readOnlyHint: true },
    },
    ({ city }) => {
      if (city === "Atlantis") {
        throw new ToolExecutionError(-2001, "no such city", { retryAfterMs: 1, data: { city } });
      }
      return { city, temperature: 33, condition: "sunny" };
    },
  );
  server.tool("echo", { input: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: "text", text }],
    _meta: { "example.com/length": text.length },
  }));
  server.tool("flaky", { annotations: { idempotentHint: true } }, () => {
    if (++flaky % 2 === 1) throw new ToolExecutionError(-2001, "again", { retryAfterMs: 1 });
    return "well";
  });
  server.tool("hang", {}, (_args, context) => {
    context.progress({ progress: 1, total: 2, message: "hanging" });
    return new Promise((_resolve, reject) => {
      context.signal.addEventListener("abort", () => {
        aborted++;
        reject(context.signal.reason);
      });
    });
  });
  return server;
}

const server = weatherServer();
const open: { close(): Promise<void> }[] = [];
let url = "";
beforeAll(async () => {
  url = (await server.start({ port: 0, drainTimeoutMs: 1 })).url as string;
});
afterAll(async () => {
  for (const each of open) await each.close();
  await server.stop();
});

type Target = () => ConstructorParameters<typeof MCPToolNode>[0]["target"];
const opened = <Client extends { close(): Promise<void> }>(client: Client): Client => {
  open.push(client);
  return client;
};
const targets: [string, Target][] = [
  ["a server object", () => server],
  ["a modern client", () => opened(new MCPClient({ url, protocol: "2026-07-28" }))],
  ["a legacy client", () => opened(new MCPClient({ url, protocol: "2025-11-25" }))],
  ["a pool", () => opened(new MCPConnectionPool({ url, maxConnections: 2 }))],
];

describe.each(targets)("a tool of %s", (_what, target) => {
  it("is called with the inputs, and what it gives has four outputs", async () => {
    const result = await new WorkflowBuilder()
      .addNode("weather", new MCPToolNode({ target: target(), tool: "get_weather" }))
      .addNode("echo", new MCPToolNode({ target: target(), tool: "echo" }))
      .input("city", { to: "weather.city" })
      .connect({ from: "weather.result.condition", to: "echo.text" })
      .output("t", "weather.result.temperature")
      .output("text", "echo.result")
      .output("content", "echo.content.0.type")
      .output("isError", "echo.isError")
      .output("length", ["echo", "meta", "example.com/length"])
      .run({ city: "Rome" });
    expect(result.outputs).toEqual({
      t: 33,
      text: "sunny",
      content: "text",
      isError: false,
      length: 5,
    });
  });

  it("is checked at build: name, arguments, types", async () => {
    const tool = (name: string, more: object = {}) =>
      new MCPToolNode({ target: target(), tool: name, ...more });
    const error = await new WorkflowBuilder()
      .addNode("missing", tool("get_wether"))
      .addNode("unbound", tool("get_weather"))
      .addNode("number", new FunctionNode({ output: z.number(), run: () => 1 }))
      .addNode("wrong", tool("get_weather"), { inputs: { contry: "Italy" } })
      .addNode("mapped", tool("echo", { arguments: { txt: "a", text: "place.name" } }))
      .connect({ from: "number.result", to: "wrong.city" })
      .connect({ from: "number.result", to: "mapped.a" })
      .connect({ from: "unbound.result.humidity", to: "mapped.place" })
      .build()
      .catch((thrown: unknown) => thrown);
    expect(WorkflowBuildError.isInstance(error)).toBe(true);
    const { message, problems } = error as WorkflowBuildError;
    expect(problems.map(({ code }) => code).sort()).toEqual([
      "node_unusable",
      "node_unusable",
      "schema_mismatch",
      "schema_mismatch",
      "unbound_input",
      "unknown_config",
    ]);
    expect(message).toContain('no tool "get_wether"; it has: echo, flaky, get_weather, hang');
    expect(message).toContain('"unbound.city" is required');
    expect(message).toContain("number does not fit string");
    expect(message).toContain('"txt", which the tool "echo" does not take; it takes: text');
  });

  it("takes arguments from parts of inputs", async () => {
    const builder = new WorkflowBuilder()
      .addNode(
        "weather",
        new MCPToolNode({
          target: target(),
          tool: "get_weather",
          arguments: { city: "place.address.city" },
        }),
      )
      .input("place", { to: "weather.place" });
    const { outputs } = await builder.run({ place: { address: { city: "Oslo" } } });
    expect(outputs).toMatchObject({ weather: { result: { city: "Oslo" } } });
    await expect(builder.run({ place: { address: { town: "Oslo" } } })).rejects.toThrow(
      /there is no "city" in place.address; it has town/,
    );
  });

  it("fails the node with the tool's own error, or says so in an output", async () => {
    const builder = (onToolError: "fail" | "output") =>
      new WorkflowBuilder().addNode(
        "weather",
        new MCPToolNode({ target: target(), tool: "get_weather", onToolError }),
        { inputs: { city: "Atlantis" } },
      );
    const error = await builder("fail")
      .run()
      .catch((thrown: Error) => thrown.cause);
    expect(error).toMatchObject({
      code: -2001,
      message: "no such city",
      data: { city: "Atlantis" },
    });
    const { outputs } = await builder("output").run();
    expect(outputs).toMatchObject({ weather: { isError: true, result: "no such city" } });
  });

  it("is repeated when it says that it may be, after the wait that it asks for", async () => {
    flaky = 0;
    const result = await new WorkflowBuilder()
      .addNode("flaky", new MCPToolNode({ target: target(), tool: "flaky" }), {
        retry: { maxRetries: 1, initialDelayMs: 1 },
      })
      .run();
    expect(result.nodes.flaky).toMatchObject({ attempts: 2, outputs: { result: "well" } });
  });

  it("is told when the run is cancelled, and its progress stands in the trace", async () => {
    const before = aborted;
    const controller = new AbortController();
    const workflow = await new WorkflowBuilder()
      .addNode("hang", new MCPToolNode({ target: target(), tool: "hang" }))
      .build();
    const result = await workflow.settle(
      {},
      {
        signal: controller.signal,
        onEvent: ({ event }) => {
          if (event === "node_progress") controller.abort();
        },
      },
    );
    expect(result.status).toBe("cancelled");
    expect(result.trace).toContainEqual(
      expect.objectContaining({ event: "node_progress", detail: "1/2 hanging" }),
    );
    await expect.poll(() => aborted).toBe(before + 1);
  });
});

describe("a tool", () => {
  it("of a server that is away is not checked, which the workflow says, and fails when it runs", async () => {
    const away = opened(new MCPClient({ url: "http://127.0.0.1:9/mcp", maxRetries: 0 }));
    const workflow = await new WorkflowBuilder()
      .addNode("tool", new MCPToolNode({ target: away, tool: "anything" }))
      .build();
    expect(workflow.unchecked).toMatchObject([{ node: "tool" }]);
    await expect(workflow.run()).rejects.toMatchObject({ cause: { code: "connection_failed" } });
  });

  it("of a server with `auth` is called as the principal that the node names", async () => {
    const guarded = new MCPServer({
      name: "guarded",
      version: "1.0.0",
      auth: new APIKeyAuth({ apiKeys: { client1: "a-key-that-nobody-uses-here" } }),
      policy: policy(),
    });
    guarded.tool("who", { roles: ["admin"] }, (_args, { principal }) => principal?.id);
    const principal = { id: "job", scopes: [], roles: ["admin"] };
    const tool = { target: guarded, tool: "who" };
    const { outputs } = await new WorkflowBuilder()
      .addNode("who", new MCPToolNode({ ...tool, principal }))
      .run();
    expect(outputs).toMatchObject({ who: { result: "job" } });
    const other = new MCPToolNode({ ...tool, principal: { ...principal, roles: [] } });
    await expect(new WorkflowBuilder().addNode("who", other).build()).rejects.toThrow(
      /no tool "who"/,
    );
    await guarded.stop();
  });

  it("without a target or a name is refused, alone and in the order of the guide", async () => {
    expect(() => new MCPToolNode({ tool: "x" } as never)).toThrow(/"target"/);
    expect(() => new MCPToolNode({ target: server, tool: "" })).toThrow(/"tool"/);
    expect(() => new MCPToolNode({ target: server, tool: "x", arguments: { a: "" } })).toThrow(
      /arguments.a/,
    );
    const guide = new WorkflowBuilder().addNode("MCPToolNode", "mcp_weather", {});
    await expect(guide.build()).rejects.toThrow(/node "mcp_weather": MCPToolNode: option "target"/);
  });
});
