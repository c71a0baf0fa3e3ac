import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createProcessKeyRing, META_WORKFLOW } from "@backplane/protocol";
import { MCPServer, type MCPServerOptions, ToolExecutionError } from "@backplane/server";
import { accept, decline, MCPTestClient, type MCPTestClientOptions } from "@backplane/testing";
import {
  createMemoryJournal,
  FunctionNode,
  MapNode,
  type NodeContext,
  type RunJournal,
  SubWorkflowNode,
  type Workflow,
  WorkflowBuilder,
  workflowAsTool,
} from "@backplane/workflow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

const CONFIRM = { message: "Really?", schema: z.object({ ok: z.boolean() }) };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** What nodes did, over all rounds. */
let effects: string[] = [];
const open: { disconnect(): Promise<void> }[] = [];
beforeEach(() => {
  effects = [];
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.disconnect();
});

const act =
  (name: string, value: unknown = name) =>
  () => {
    effects.push(name);
    return value;
  };

const confirm =
  (key = "sure") =>
  async (_inputs: unknown, context: NodeContext) => {
    const { action, content } = await context.elicit(key, CONFIRM);
    effects.push(`answered ${context.node}`);
    return action === "accept" && content?.ok === true;
  };

function serving(
  workflow: Workflow,
  journal?: RunJournal,
  options: Partial<MCPServerOptions> = {},
): MCPServer {
  const server = new MCPServer({ name: "w", version: "1.0.0", logger: silent, ...options });
  server.addTool(workflowAsTool(workflow, { name: "flow", ...(journal && { journal }) }));
  return server;
}

async function connected(
  target: MCPServer | string,
  options: MCPTestClientOptions,
): Promise<MCPTestClient> {
  const client = new MCPTestClient(target, options);
  open.push(client);
  return client.connect();
}

const eras: [string, MCPTestClientOptions][] = [
  ["modern, in memory", { protocol: "modern" }],
  ["legacy, in memory", { protocol: "legacy" }],
  ["modern, over HTTP", { protocol: "modern", transport: "http" }],
  ["legacy, over HTTP", { protocol: "legacy", transport: "http" }],
];
const journals: [string, () => RunJournal | undefined][] = [
  ["without a journal", () => undefined],
  ["with a journal", () => createMemoryJournal()],
];

describe.each(eras)("a workflow as a tool, %s", (_era, options) => {
  it("has its parameters and outputs for schemas, and reports each node", async () => {
    const workflow = await new WorkflowBuilder({ name: "plan", description: "Plans a day" })
      .addNode(
        "weather",
        new FunctionNode({
          input: z.object({ city: z.string() }),
          output: z.object({ temperature: z.number() }),
          run: (_inputs, context) => {
            context.progress({ progress: 1, total: 2, message: "asking" });
            return { temperature: 33 };
          },
        }),
      )
      .addNode("report", ({ t }) => `${t} °C`)
      .input("city", { to: "weather.city", description: "Where" })
      .input("style", { to: "report.style", default: "short", schema: z.enum(["short", "long"]) })
      .connect({ from: "weather.result.temperature", to: "report.t" })
      .output("report", "report.result")
      .output("temperature", "weather.result.temperature")
      .build();
    const client = await connected(serving(workflow), options);
    const [tool] = await client.client.listTools();
    expect(tool).toMatchObject({
      name: "flow",
      description: "Plans a day",
      inputSchema: {
        properties: {
          city: { type: "string", description: "Where" },
          style: { enum: ["short", "long"], default: "short" },
        },
        required: ["city"],
        additionalProperties: false,
      },
      outputSchema: { properties: { temperature: { type: "number" } } },
    });
    const progress: string[] = [];
    const result = await client.callTool("flow", {
      arguments: { city: "Rome" },
      onProgress: ({ progress: done, total, message }) =>
        void progress.push(`${done}/${total} ${message}`),
    });
    expect(result.structuredContent).toEqual({ report: "33 °C", temperature: 33 });
    expect(progress).toEqual([
      "0.5/2 weather: 1/2 asking",
      "1/2 weather: completed",
      "2/2 report: completed",
    ]);
    expect(result._meta?.[META_WORKFLOW]).toMatchObject({
      status: "completed",
      nodes: { weather: "completed", report: "completed" },
    });
    const wrong = await client.callTool("flow", { arguments: { town: "Rome" } });
    expect(wrong.isError).toBe(true);
  });

  it("gives a tool's error as it is, and masks every other", async () => {
    const workflow = await new WorkflowBuilder()
      .addNode("fail", ({ how }) => {
        if (how === "expected") throw new ToolExecutionError(-7, "no seats", { data: { left: 0 } });
        throw new Error("password=hunter2");
      })
      .input("how", { to: "fail.how" })
      .build();
    const client = await connected(serving(workflow), options);
    await expect(client.call("flow", { arguments: { how: "expected" } })).rejects.toMatchObject({
      ...{ code: -7, message: "no seats", data: { left: 0 } },
    });
    const masked = await client
      .callTool("flow", { arguments: { how: "otherwise" } })
      .catch((error: Error) => error.message);
    expect(masked).toBe("Internal error");
  });

  it("tells of the items that failed only what is meant for clients", async () => {
    const each = ({ item }: Record<string, unknown>) => {
      if (item === 1) throw new ToolExecutionError(-7, "no seats");
      throw new Error("password=hunter2");
    };
    const map = new MapNode({ each, onItemError: "continue" });
    const workflow = await new WorkflowBuilder()
      .addNode("book", map, { inputs: { items: [1, 2] } })
      .build();
    const client = await connected(serving(workflow), options);
    const { structuredContent } = await client.callTool("flow");
    const failed = [
      { index: 0, message: "no seats" },
      { index: 1, message: "failed unexpectedly" },
    ];
    expect(structuredContent).toMatchObject({ book: { result: [], failed } });
    const { outputs } = await workflow.run();
    expect(JSON.stringify(outputs)).toContain("hunter2");
  });

  it("is cancelled with its call", async () => {
    let stopped: unknown;
    const workflow = await new WorkflowBuilder()
      .addNode("wait", (_inputs, { signal, progress }) => {
        expect(progress).toBeTypeOf("function");
        effects.push("begun");
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            stopped = signal.reason;
            reject(signal.reason);
          });
        });
      })
      .addNode("after", act("after"), { after: ["wait"] })
      .build();
    const client = await connected(serving(workflow), options);
    const controller = new AbortController();
    const call = client.callTool("flow", { signal: controller.signal });
    call.catch(() => {});
    await expect.poll(() => effects).toEqual(["begun"]);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "aborted" });
    await expect.poll(() => stopped).toMatchObject({ code: "cancelled" });
    expect(effects).toEqual(["begun"]);
  });

  describe.each(journals)("asks its client, %s", (_with, journal) => {
    const run = async (builder: WorkflowBuilder, answers: boolean[]) => {
      const client = await connected(serving(await builder.build(), journal()), {
        ...options,
        answers: { elicit: answers.map((ok) => accept({ ok })) },
      });
      const result = await client.callTool("flow");
      return { result, client };
    };

    it("and repeats no node that was done, whatever it gave", async () => {
      const large = "x".repeat(5_000);
      const { result, client } = await run(
        new WorkflowBuilder()
          .addNode("hold", act("hold", { id: 7, at: new Date(0) }))
          .addNode("nothing", act("nothing", undefined))
          .addNode("large", new FunctionNode({ idempotent: true, run: () => ({ text: large }) }))
          .addNode("sure", confirm(), { after: ["hold", "nothing", "large"] })
          .addNode("again", confirm(), { after: ["sure"] })
          .addNode("pay", act("pay", "paid"), { after: ["again"] })
          .connect({ from: "hold.result", to: "pay.hold" })
          .output("hold", "hold.result")
          .output("paid", "pay.result")
          .output("length", "large.result.text"),
        [true, true],
      );
      expect(result.structuredContent).toEqual({
        hold: { id: 7, at: "1970-01-01T00:00:00.000Z" },
        paid: "paid",
        length: large,
      });
      expect(effects).toEqual(["hold", "nothing", "answered sure", "answered again", "pay"]);
      expect(client.asked).toHaveLength(2);
    });

    it("from several nodes, items of a map and an inner workflow, each with its own question", async () => {
      const inner = new WorkflowBuilder({ name: "inner" })
        .addNode("first", act("first"))
        .addNode("ask", confirm(), { after: ["first"] })
        .output("ok", "ask.result");
      const { result, client } = await run(
        new WorkflowBuilder()
          .addNode("each", new MapNode({ each: confirm() }), { inputs: { items: [1, 2, 3] } })
          .addNode("sub", new SubWorkflowNode({ workflow: inner }))
          .output("each", "each.result")
          .output("sub", "sub.ok"),
        [true, true, true, true],
      );
      expect(result.structuredContent).toEqual({ each: [true, true, true], sub: true });
      expect(client.asked).toHaveLength(4);
      expect(effects.filter((effect) => effect === "first")).toHaveLength(1);
      expect(effects.filter((effect) => effect.startsWith("answered"))).toHaveLength(4);
    });

    it("from a node that swallows everything, does once what it does once, and does not fall back", async () => {
      const { result } = await run(
        new WorkflowBuilder()
          .addNode(
            "ask",
            async (_inputs, context) => {
              const id = await context.once("id", () => {
                effects.push("once");
                return effects.length;
              });
              try {
                return [id, (await context.elicit("sure", CONFIRM)).content?.ok];
              } catch {
                return [id, "swallowed"];
              }
            },
            { onError: { fallback: { result: "fallback" } } },
          )
          .addNode("after", ({ x }) => {
            effects.push("after");
            return x;
          })
          .connect({ from: "ask.result", to: "after.x" })
          .output("x", "after.result"),
        [true],
      );
      expect(result.structuredContent).toEqual({ x: [1, true] });
      expect(effects).toEqual(["once", "after"]);
    });

    it("and does not try again beside a question what failed and is not idempotent", async () => {
      const client = await connected(
        serving(
          await new WorkflowBuilder()
            .addNode(
              "charge",
              () => {
                effects.push("charge");
                throw new ToolExecutionError(-8, "card refused");
              },
              { onError: "continue" },
            )
            .addNode("ask", confirm())
            .addNode("join", ({ ok }) => ok)
            .connect({ from: "ask.result", to: "join.ok" })
            .output("ok", "join.result")
            .build(),
          journal(),
        ),
        { ...options, answers: { elicit: [accept({ ok: true })] } },
      );
      const result = await client.callTool("flow");
      expect(result.structuredContent).toEqual({ ok: true });
      expect(result._meta?.[META_WORKFLOW]).toMatchObject({
        status: "partial",
        nodes: { charge: "failed" },
      });
      expect(effects.filter((effect) => effect === "charge")).toHaveLength(1);
    });

    it("and takes no for an answer", async () => {
      const workflow = await new WorkflowBuilder()
        .addNode("sure", confirm())
        .output("ok", "sure.result")
        .build();
      const client = await connected(serving(workflow, journal()), {
        ...options,
        answers: { elicit: [decline()] },
      });
      expect((await client.callTool("flow")).structuredContent).toEqual({ ok: false });
    });
  });
});

describe("between two replicas", () => {
  /** Every request goes to the other server than the one before. */
  async function alternating(make: () => MCPServer): Promise<{ url: string; seen: number[] }> {
    const servers = [make(), make()];
    const seen = [0, 0];
    let turn = 0;
    const front = createServer((req, res) => {
      const which = turn++ % 2;
      seen[which] = (seen[which] ?? 0) + 1;
      servers[which]?.nodeHandler(req, res);
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    open.push({
      disconnect: async () => {
        front.closeAllConnections();
        front.close();
        for (const server of servers) await server.stop();
      },
    });
    return { url: `http://127.0.0.1:${(front.address() as AddressInfo).port}/mcp`, seen };
  }

  it.each(journals)("a run goes on, %s", async (_with, makeJournal) => {
    const journal = makeJournal();
    const keyRing = createProcessKeyRing();
    const workflow = await new WorkflowBuilder()
      .addNode("hold", act("hold", 7))
      .addNode("one", confirm(), { after: ["hold"] })
      .addNode("two", confirm(), { after: ["one"] })
      .addNode("end", ({ hold }) => hold, { after: ["two"] })
      .connect({ from: "hold.result", to: "end.hold" })
      .output("hold", "end.result")
      .build();
    const { url, seen } = await alternating(() => serving(workflow, journal, { keyRing }));
    const client = await connected(url, {
      protocol: "modern",
      answers: { elicit: () => accept({ ok: true }) },
    });
    expect((await client.callTool("flow")).structuredContent).toEqual({ hold: 7 });
    expect(effects).toEqual(["hold", "answered one", "answered two"]);
    expect(Math.min(...seen)).toBeGreaterThan(0);
  });
});

describe("what is too large to be carried", () => {
  const workflow = () =>
    new WorkflowBuilder()
      .addNode("large", act("large", "x".repeat(20_000)))
      .addNode("ask", confirm(), { after: ["large"] })
      .output("ok", "ask.result")
      .build();
  const options: MCPTestClientOptions = {
    protocol: "modern",
    answers: { elicit: () => accept({ ok: true }) },
  };

  it("is an error that says so, and none with a journal", async () => {
    const without = await connected(serving(await workflow()), options);
    await expect(without.callTool("flow")).rejects.toThrow(/requestState holds at most 16384/);
    effects = [];
    const client = await connected(serving(await workflow(), createMemoryJournal()), options);
    expect((await client.callTool("flow")).structuredContent).toEqual({ ok: true });
    expect(effects.filter((effect) => effect === "large")).toHaveLength(1);
  });
});

it("a run that its journal has forgotten between two rounds is not begun again", async () => {
  const journal = createMemoryJournal();
  const workflow = await new WorkflowBuilder()
    .addNode("pay", act("pay"))
    .addNode("ask", confirm(), { after: ["pay"] })
    .build();
  const forget = async () => {
    for (const run of await journal.unfinished()) await journal.remove(run);
    return accept({ ok: true });
  };
  const client = await connected(serving(workflow, journal), {
    protocol: "modern",
    answers: { elicit: forget },
  });
  await expect(client.callTool("flow")).rejects.toThrow("Internal error");
  expect(effects).toEqual(["pay"]);
});

describe("options", () => {
  it("are refused by name", async () => {
    const builder = new WorkflowBuilder().addNode("a", () => 1);
    expect(() => workflowAsTool(builder as never)).toThrow(/a built workflow is needed/);
    const workflow = await builder.build();
    expect(() => workflowAsTool(workflow, { nme: "x" } as never)).toThrow(/unknown option "nme"/);
    const { name, annotations } = workflowAsTool(workflow, {
      annotations: { idempotentHint: true },
    });
    expect([name, annotations]).toEqual(["workflow", { idempotentHint: true }]);
  });

  it.each(["modern", "legacy"] as const)(
    "a handler runs workflows of its own in its request, %s",
    async (protocol) => {
      const flow = (name: string) =>
        new WorkflowBuilder({ name })
          .addNode("act", act(name))
          .addNode("ask", confirm(), { after: ["act"] })
          .output("ok", "ask.result")
          .build();
      const [first, second] = [await flow("first"), await flow("second")];
      const server = new MCPServer({ name: "own", version: "1.0.0", logger: silent });
      server.tool("both", {}, async (_args, request) => {
        const results = [
          await first.run({}, { request }),
          await second.run({}, { request }),
          await second.run({}, { request, runId: "once-more" }),
        ];
        return { answers: results.map(({ outputs }) => outputs.ok) };
      });
      const client = await connected(server, {
        protocol,
        answers: { elicit: [true, false, true].map((ok) => accept({ ok })) },
      });
      expect(await client.call("both")).toEqual({ answers: [true, false, true] });
      expect(effects.filter((effect) => !effect.startsWith("answered"))).toEqual([
        "first",
        "second",
        "second",
      ]);
    },
  );

  it("a run of its own has nobody to ask, and says so", async () => {
    const run = new WorkflowBuilder().addNode("ask", confirm()).run();
    await expect(run).rejects.toMatchObject({ code: "no_client", node: "ask" });
  });
});
