import { join } from "node:path";
import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { closing } from "../client/harness/clients.ts";
import { onlySse } from "./harness/backplane.ts";
import { startChildServer } from "./harness/child-servers.ts";

const fixture = (name: string) => join(import.meta.dirname, "fixtures", name);
const scripts = { v1: fixture("sdk-v1-server.mjs"), v2: fixture("sdk-v2-server.mjs") };
const listening = /listening on (\d+)/;
const ports = { v1: "", v2: "" };

beforeAll(async () => {
  [ports.v1, ports.v2] = await Promise.all([
    startChildServer(scripts.v1, ["http"], listening),
    startChildServer(scripts.v2, ["http"], listening),
  ]);
});

interface Pairing {
  readonly name: string;
  readonly era: "modern" | "legacy";
  /** The server keeps what it is asked on one connection: it can ask, and be subscribed to. */
  readonly stateful: boolean;
  target(): Partial<MCPClientOptions>;
}

const stdio = (script: string): Partial<MCPClientOptions> => ({
  stdio: { command: process.execPath, args: [script], stderr: "ignore" },
});

const pairings: Pairing[] = [
  {
    name: "SDK v1 over Streamable HTTP",
    era: "legacy",
    stateful: true,
    target: () => ({ url: `http://127.0.0.1:${ports.v1}/mcp` }),
  },
  {
    name: "SDK v1 over HTTP+SSE",
    era: "legacy",
    stateful: true,
    target: () => ({ url: `http://127.0.0.1:${ports.v1}/sse`, eraCache: onlySse }),
  },
  { name: "SDK v1 over stdio", era: "legacy", stateful: true, target: () => stdio(scripts.v1) },
  {
    name: "SDK v2 over Streamable HTTP",
    era: "modern",
    stateful: true,
    target: () => ({ url: `http://127.0.0.1:${ports.v2}/mcp` }),
  },
  {
    name: "SDK v2 over Streamable HTTP, legacy",
    era: "legacy",
    stateful: false,
    target: () => ({ url: `http://127.0.0.1:${ports.v2}/mcp`, protocol: "2025-11-25" }),
  },
  { name: "SDK v2 over stdio", era: "modern", stateful: true, target: () => stdio(scripts.v2) },
  {
    name: "SDK v2 over stdio, legacy",
    era: "legacy",
    stateful: true,
    target: () => ({ ...stdio(scripts.v2), protocol: "2025-11-25" }),
  },
];

const handlers: NonNullable<MCPClientOptions["handlers"]> = {
  elicit: { form: () => ({ action: "accept", content: { name: "Ada" } }) },
  sample: () => ({ role: "assistant", model: "fixed", content: { type: "text", text: "hi" } }),
  roots: [{ uri: "file:///home/ada", name: "home" }],
};

describe.each(pairings)("$name", ({ era, stateful, target }) => {
  const connect = async (options: Partial<MCPClientOptions> = {}) => {
    const client = closing(new MCPClient({ ...target(), handlers, ...options }));
    await client.connect();
    return client;
  };

  it("finds the era and who the server is", async () => {
    const client = await connect();
    expect(client.era).toBe(era);
    expect(client.server?.info?.name).toMatch(/^sdk-v[12]$/);
    expect(client.server?.instructions).toMatch(/^Made with/);
    await client.ping();
  });

  it("lists and calls tools, and checks their structured output", async () => {
    const client = await connect();
    const tools = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["add", "fail"]));
    expect(await client.call("add", { a: 2, b: 3 })).toEqual({ sum: 5 });
    await expect(client.call("fail")).rejects.toThrow("it failed");
    expect((await client.callTool("fail")).isError).toBe(true);
    const wrong = await client.callTool("add", { a: "two" }).catch((error: unknown) => error);
    expect(wrong).toSatisfy(
      (value: { isError?: boolean; code?: number }) =>
        value.isError === true || value.code === -32602,
    );
  });

  it("reads prompts and resources, and completes their arguments", async () => {
    const client = await connect();
    expect((await client.listPrompts()).map(({ name }) => name)).toEqual(["greet"]);
    const { messages } = await client.getPrompt("greet", { name: "Ada" });
    expect(messages[0]?.content).toMatchObject({ text: "Greet Ada" });
    const ref = { type: "ref/prompt", name: "greet" } as const;
    const { values } = await client.complete(ref, { name: "name", value: "A" });
    expect(values).toEqual(["Ada", "Alan"]);
    expect((await client.listResources()).map(({ uri }) => uri)).toEqual(["memo://one"]);
    expect((await client.listResourceTemplates()).map(({ uriTemplate }) => uriTemplate)).toEqual([
      "note://{id}",
    ]);
    const { contents } = await client.readResource("note://first");
    expect(contents[0]).toMatchObject({ text: "note first" });
    await expect(client.readResource("memo://none")).rejects.toMatchObject({
      code: expect.toSatisfy((code) => code === -32602 || code === -32002),
    });
  });

  it("follows progress and log messages", async () => {
    const client = await connect();
    const seen: number[] = [];
    await client.callTool(
      "count",
      { to: 3 },
      { onProgress: ({ progress }) => seen.push(progress) },
    );
    expect(seen).toEqual([1, 2, 3]);
    const logged: unknown[] = [];
    await client.callTool("log", {}, { onLog: ({ data }) => logged.push(data) });
    await vi.waitFor(() => expect(logged).toEqual(["loud"]));
  });

  it("cancels a call, and the handler stops", async () => {
    const client = await connect();
    const before = Number(await client.call("cancelled"));
    await expect(
      client.callTool("wait", {}, { signal: AbortSignal.timeout(200) }),
    ).rejects.toMatchObject({ code: "aborted" });
    // A server without sessions cannot connect the cancellation with the call.
    if (stateful) {
      await vi.waitFor(
        async () => expect(Number(await client.call("cancelled"))).toBeGreaterThan(before),
        { timeout: 10_000 },
      );
    }
  });

  it.runIf(stateful)("is asked for a form, its model and its roots", async () => {
    const client = await connect();
    expect(await client.call("ask")).toBe("accept Ada");
    expect(await client.call("sample")).toBe("hi");
    expect(await client.call("roots")).toBe("file:///home/ada");
  });

  it.runIf(stateful)("is told of changes", async () => {
    const client = await connect();
    const changes: string[] = [];
    const listening = await client.listen(
      { toolsListChanged: true, resourceSubscriptions: ["memo://one"] },
      { onChange: (event) => changes.push(event.kind === "resource" ? event.uri : event.kind) },
    );
    await vi.waitFor(
      async () => {
        await client.callTool("touch");
        await client.callTool("grow");
        expect(changes).toEqual(expect.arrayContaining(["memo://one", "tools"]));
      },
      { timeout: 10_000, interval: 200 },
    );
    await listening.close();
  });
});

describe("resuming", () => {
  it("takes up a session of SDK v1 after another client used the server", async () => {
    const url = `http://127.0.0.1:${ports.v1}/mcp`;
    const [one, other] = [closing(new MCPClient({ url })), closing(new MCPClient({ url }))];
    await Promise.all([one.connect(), other.connect()]);
    await other.close();
    expect(await one.call("add", { a: 1, b: 1 })).toEqual({ sum: 2 });
  });
});
