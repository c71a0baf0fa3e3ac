import { createInMemoryTransportPair, type MessageTransport } from "@backplane/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { createEraCache } from "./era-cache.ts";
import { MCPClient } from "./mcp-client.ts";
import type { MCPClientOptions } from "./options.ts";
import { recordLog, until } from "./recorders.test-support.ts";
import { ResponseCache } from "./response-cache.ts";
import { type Answer, fail, ScriptedMCP, stream } from "./scripted-mcp.test-support.ts";

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function clientOf(options: MCPClientOptions) {
  const log = recordLog();
  const client = new MCPClient({ logger: log, eraCache: createEraCache(), ...options });
  open.push(() => client.close());
  return { client, log };
}

async function serverOf(answers: Readonly<Record<string, Answer>>) {
  const server = await ScriptedMCP.open(answers);
  open.push(() => server.close());
  return server;
}

const READ = { resultType: "complete", ttlMs: 60_000, cacheScope: "private" };
const TEXT = { resultType: "complete", content: [] };

/** Says which principal asked. */
const whoami: Answer = ({ headers }) => ({
  ...READ,
  contents: [{ uri: "me://", text: String(headers["authorization"] ?? "nobody") }],
});

type Message = { readonly id?: number; readonly method?: string; readonly params?: object };

/** A legacy server at the other end of a given transport. */
function legacyEnd(script: (message: Message, server: MessageTransport) => object | undefined) {
  const [near, server] = createInMemoryTransportPair();
  server.start({
    onMessage(text) {
      const message = JSON.parse(text) as Message;
      const result =
        message.method === "initialize"
          ? {
              protocolVersion: "2025-11-25",
              capabilities: {},
              serverInfo: { name: "s", version: "1" },
            }
          : script(message, server);
      if (result !== undefined) {
        server.send(JSON.stringify({ jsonrpc: "2.0", id: message.id, result }));
      }
    },
    onClose() {},
  });
  return near;
}

describe("kept results", () => {
  it("are not shared by requests whose own headers differ", async () => {
    const server = await serverOf({ "resources/read": whoami });
    const { client } = clientOf({ url: server.url });
    const as = async (authorization: string) =>
      (await client.readResource("me://", { headers: { Authorization: authorization } }))
        .contents[0];
    expect(await as("Bearer a")).toMatchObject({ text: "Bearer a" });
    expect(await as("Bearer b")).toMatchObject({ text: "Bearer b" });
    await as("Bearer a");
    expect(server.count("resources/read")).toBe(2);
  });

  it("are not shared by clients whose URLs differ in the query, which may be a credential", async () => {
    const server = await serverOf({ "resources/read": () => ({ ...READ, contents: [] }) });
    const cache = new ResponseCache();
    for (const key of ["a", "b", "a"]) {
      await clientOf({ url: `${server.url}?key=${key}`, cache }).client.readResource("me://");
    }
    expect(server.count("resources/read")).toBe(2);
  });

  it("are not shared by given transports, of which nobody knows where they lead", async () => {
    const cache = new ResponseCache();
    const names: unknown[] = [];
    for (const name of ["one", "other"]) {
      const [near, server] = createInMemoryTransportPair();
      server.start({
        onMessage(text) {
          const { id, method } = JSON.parse(text) as Message;
          const result =
            method === "server/discover"
              ? { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: {} }
              : { ...READ, cacheScope: "public", contents: [{ uri: "a://", text: name }] };
          server.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
        },
        onClose() {},
      });
      const { contents } = await clientOf({ transport: near, cache }).client.readResource("a://");
      names.push((contents[0] as { text?: string }).text);
    }
    expect(names).toEqual(["one", "other"]);
  });
});

describe("headers that the server found wrong", () => {
  const tool = (header: string) => ({
    name: "t",
    inputSchema: {
      type: "object",
      properties: { a: { type: "string", "x-mcp-header": header } },
    },
  });

  it("are mirrored anew from the server's list, not from a kept one", async () => {
    let header = "Old";
    const server = await serverOf({
      "tools/list": () => ({ ...READ, tools: [tool(header)] }),
      "tools/call": (request, response) =>
        request.headers[`mcp-param-${header.toLowerCase()}`] === "x"
          ? TEXT
          : fail(response, request, -32020, "Header mismatch", { status: 400 }),
    });
    const { client } = clientOf({ url: server.url });
    await client.listTools();
    await client.callTool("t", { a: "x" });
    header = "New";
    await client.callTool("t", { a: "x" });
    expect(server.count("tools/list")).toBe(2);
  });

  it("are mirrored from the arguments as they were sent, beside the caller's own", async () => {
    const server = await serverOf({
      "tools/list": () => ({ ...READ, tools: [tool("New")] }),
      "tools/call": (request, response) =>
        request.headers["mcp-param-new"] === "changed"
          ? TEXT
          : fail(response, request, -32020, "Header mismatch", { status: 400 }),
    });
    const { client } = clientOf({ url: server.url });
    client.use({
      name: "change",
      phase: "handler",
      intercept(invocation, next) {
        const params = { ...invocation.params, arguments: { a: "changed" } };
        return next({ ...invocation, params });
      },
    });
    await client.callTool("t", { a: "x" }, { headers: { "X-Own": "kept" } });
    const sent = server.of("tools/call").map(({ headers }) => headers["x-own"]);
    expect(sent).toEqual(["kept", "kept"]);
  });

  it("are looked up without a place in a bulkhead that is full of calls waiting for them", async () => {
    const server = await serverOf({
      "tools/list": () => ({ ...READ, tools: [tool("New")] }),
      "tools/call": (request, response) =>
        request.headers["mcp-param-new"] === "x"
          ? TEXT
          : fail(response, request, -32020, "Header mismatch", { status: 400 }),
    });
    const { client } = clientOf({
      url: server.url,
      bulkhead: { maxConcurrent: 1 },
      maxTotalTimeoutMs: 1_000,
      maxRetries: 0,
    });
    await client.callTool("t", { a: "x" });
    expect(server.count("tools/list")).toBe(1);
  });
});

describe("a legacy server that takes back a request it has its answer to", () => {
  it("does not end the client's own request of the same id", async () => {
    const transport = legacyEnd(({ id, method }, server) => {
      if (method !== "tools/call") return undefined;
      // Ids are of one direction only (2025-11-25, basic/index).
      const params = { requestId: id };
      server.send(JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params }));
      return TEXT;
    });
    const { client } = clientOf({ transport, protocol: "2025-11-25", maxRetries: 0 });
    expect(await client.callTool("t")).toEqual(TEXT);
  });
});

describe("a callback that throws", () => {
  const boom = (): never => {
    throw new Error("boom");
  };

  it.each(["onProgress", "onLog"] as const)("%s does not end the request", async (callback) => {
    const server = await serverOf({
      "tools/call": ({ id, params }, response) => {
        const send = stream(response);
        const meta = params["_meta"] as { progressToken?: number };
        send(
          callback === "onProgress"
            ? {
                method: "notifications/progress",
                params: { progressToken: meta.progressToken, progress: 1 },
              }
            : { method: "notifications/message", params: { level: "error", data: "x" } },
        );
        send({ id, result: TEXT });
        response.end();
        return undefined;
      },
    });
    const { client, log } = clientOf({ url: server.url });
    expect(await client.callTool("t", {}, { [callback]: boom })).toEqual(TEXT);
    expect(server.count("tools/call")).toBe(1);
    expect(log.entries.map(([level]) => level)).toContain("error");
  });

  it("onLog of the client is logged", async () => {
    const transport = legacyEnd((_, server) => {
      const params = { level: "error", data: "x" };
      server.send(JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params }));
      return TEXT;
    });
    const { client, log } = clientOf({ transport, protocol: "2025-11-25", onLog: boom });
    expect(await client.callTool("t")).toEqual(TEXT);
    await until(() => expect(log.entries.map(([level]) => level)).toContain("error"));
  });

  it("onStateChange of the breaker leaves the request its own error", async () => {
    const server = await serverOf({
      "tools/call": (request, response) => fail(response, request, -1503, "away"),
    });
    const { client, log } = clientOf({
      url: server.url,
      maxRetries: 0,
      maxTotalTimeoutMs: 1_000,
      circuitBreaker: { minCalls: 1, onStateChange: boom },
    });
    await expect(client.callTool("t")).rejects.toMatchObject({ code: -1503 });
    expect(client.circuit).toBe("open");
    expect(log.entries.map(([level]) => level)).toContain("error");
  });
});

describe("a given transport that throws", () => {
  it("fails the request, which gives its place in the bulkhead back", async () => {
    const near = legacyEnd(({ method }) => (method === "tools/call" ? TEXT : undefined));
    let broken = true;
    const transport: MessageTransport = {
      start: (handlers) => near.start(handlers),
      send: (text) => {
        if (broken && text.includes("tools/call")) throw new Error("queue closed");
        near.send(text);
      },
      close: () => near.close(),
    };
    const { client } = clientOf({
      transport,
      protocol: "2025-11-25",
      maxRetries: 0,
      maxTotalTimeoutMs: 1_000,
      bulkhead: { maxConcurrent: 1 },
    });
    await expect(client.callTool("t")).rejects.toMatchObject({ code: "connection_failed" });
    broken = false;
    expect(await client.callTool("t")).toEqual(TEXT);
  });
});

describe("an era cache that never answers", () => {
  it("costs a moment, not the connection", async () => {
    const server = await serverOf({ "tools/call": () => TEXT });
    const never = () => new Promise<never>(() => {});
    const { client } = clientOf({
      url: server.url,
      eraCache: { get: never, set: never, delete: never },
    });
    await client.connect();
    expect(client.era).toBe("modern");
  });
});
