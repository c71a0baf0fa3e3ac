import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { textOf } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";
import { listenOn, servedServer } from "./sdk-serve.test-support.ts";
import { type SdkTransport, serveOverSdkTransport } from "./sdk-v1.ts";

interface Served {
  readonly server: MCPServer;
  readonly transport: Transport;
  readonly clientTransport: Transport;
  readonly events: string[];
  readonly logged: unknown[];
  close(): Promise<void>;
}

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function inMemory(): Promise<Served> {
  const [clientTransport, transport] = InMemoryTransport.createLinkedPair();
  return served(transport, clientTransport, async () => {});
}

async function overHttp(): Promise<Served> {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => "session-1" });
  const listener = await listenOn((request, response) => {
    void transport.handleRequest(request, response);
  });
  const clientTransport = new StreamableHTTPClientTransport(listener.url) as Transport;
  return served(transport as Transport, clientTransport, () => listener.close());
}

async function served(
  transport: Transport,
  clientTransport: Transport,
  close: () => Promise<void>,
): Promise<Served> {
  const [logged, events]: [unknown[], string[]] = [[], []];
  const server = servedServer(logged, events);
  open.push(close, () => server.stop());
  return { server, transport, clientTransport, events, logged, close };
}

async function connect({ clientTransport }: Served): Promise<Client> {
  const client = new Client(
    { name: "client", version: "1" },
    { capabilities: { elicitation: {} } },
  );
  await client.connect(clientTransport);
  open.push(() => client.close());
  return client;
}

describe.each([
  ["in memory", inMemory],
  ["over Streamable HTTP", overHttp],
])("a Backplane server over a transport of SDK v1, %s", (_name, make) => {
  it("answers the SDK's client", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig);
    expect(client.getServerVersion()?.name).toBe("asking");
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("echo");
    const answer = await client.callTool({ name: "echo", arguments: { a: [1, "ü"] } });
    expect(answer.content).toEqual([{ type: "text", text: '{"a":[1,"ü"]}' }]);
    expect((await client.readResource({ uri: "memo://one" })).contents).toMatchObject([
      { text: "remember" },
    ]);
    await expect(client.callTool({ name: "unknown" })).rejects.toMatchObject({ code: -32602 });
  });

  it("sends progress, log messages and questions on the stream of their call", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig);
    const send = vi.spyOn(rig.transport, "send");
    const messages: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      messages.push(params.data);
    });
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      messages.push(params.message);
      return { action: "accept", content: { name: "Ada" } };
    });
    const progress: unknown[] = [];
    await client.callTool({ name: "count", arguments: {} }, undefined, {
      onprogress: (report) => progress.push(report),
    });
    expect(progress).toEqual([
      { progress: 1, total: 2, message: "one" },
      { progress: 2, total: 2 },
    ]);
    const answer = await client.callTool({ name: "ask", arguments: {} });
    expect(JSON.parse(textOf({ result: answer as never }) ?? "")).toEqual({
      action: "accept",
      content: { name: "Ada" },
    });
    expect(messages).toEqual(["half way", "your name?"]);
    const related = send.mock.calls.flatMap(([message, options]) =>
      "method" in message ? [[message.method, options?.relatedRequestId]] : [],
    );
    expect(related).toEqual([
      ["notifications/progress", 1],
      ["notifications/message", 1],
      ["notifications/progress", 1],
      ["elicitation/create", 2],
    ]);
  });

  it("aborts a call that the client cancels", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig);
    const controller = new AbortController();
    const waiting = client.callTool({ name: "wait", arguments: {} }, undefined, {
      signal: controller.signal,
    });
    await vi.waitFor(() => expect(rig.events).toEqual(["wait started"]));
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await vi.waitFor(() => expect(rig.events).toEqual(["wait started", "wait aborted"]));
  });

  it("tells of changes", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig);
    const seen: string[] = [];
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      seen.push("tools");
    });
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      seen.push(params.uri);
    });
    await client.subscribeResource({ uri: "memo://one" });
    const send = vi.spyOn(rig.transport, "send");
    await vi.waitFor(() => {
      rig.server.tool("probe", {}, () => "");
      rig.server.removeTool("probe");
      rig.server.resourceUpdated("memo://one");
      expect(new Set(seen)).toEqual(new Set(["tools", "memo://one"]));
    });
    // They belong to no call.
    expect(send.mock.calls.every(([, options]) => options === undefined)).toBe(true);
  });

  it("serves the principal that it is told of", async () => {
    const rig = await make();
    const principal = { id: "alice", scopes: [], roles: [] };
    await serveOverSdkTransport(rig.server, rig.transport, { principal });
    const answer = await (await connect(rig)).callTool({ name: "whoami", arguments: {} });
    expect(textOf({ result: answer as never })).toBe("alice");
  });

  it("closes with the transport, and the transport with it", async () => {
    const rig = await make();
    const connection = await serveOverSdkTransport(rig.server, rig.transport);
    await connect(rig);
    await rig.transport.close();
    await connection.closed;
    const other = await make();
    const closing = await serveOverSdkTransport(other.server, other.transport);
    const close = vi.spyOn(other.transport, "close");
    await closing.close();
    await closing.close();
    expect(close).toHaveBeenCalled();
    await closing.closed;
  });
});

describe("serveOverSdkTransport refuses", () => {
  it.each([
    [{}, {}, 'the transport has no method "start"'],
    [undefined, {}, 'the transport has no method "start"'],
    [InMemoryTransport.createLinkedPair()[0], { Principal: 1 }, 'unknown option "Principal"'],
  ])("%o with %o", async (transport, options, message) => {
    const server = servedServer([], []);
    await expect(
      serveOverSdkTransport(server, transport as SdkTransport, options as never),
    ).rejects.toThrow(message);
    await server.stop();
  });

  it("a transport that does not start, and leaves nothing open", async () => {
    const server = servedServer([], []);
    const [transport] = InMemoryTransport.createLinkedPair();
    transport.start = () => Promise.reject(new Error("started already"));
    await expect(serveOverSdkTransport(server, transport)).rejects.toThrow("started already");
    await expect(transport.send({ jsonrpc: "2.0", method: "x" })).rejects.toThrow("Not connected");
    await server.stop();
  });
});

it("says in the log what the transport reports and could not send", async () => {
  const logged: unknown[] = [];
  const log = (fields: object, message: string): void => void logged.push({ ...fields, message });
  const logger = { debug: log, info: log, warn: log, error: log };
  const rig = await inMemory();
  await serveOverSdkTransport(rig.server, rig.transport, { logger });
  rig.transport.onerror?.(new Error("odd"));
  rig.transport.send = () => Promise.reject(new Error("pipe broken"));
  rig.transport.onmessage?.({ jsonrpc: "2.0", id: 1, method: "ping" });
  await vi.waitFor(() =>
    expect(logged).toMatchObject([
      { err: { message: "odd" }, message: "the SDK transport reported an error" },
      { err: { message: "pipe broken" }, message: "the SDK transport could not send a message" },
    ]),
  );
});
