import { getRequestListener } from "@hono/node-server";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  InMemoryTransport,
  type Transport,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { textOf } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";
import { listenOn, servedServer } from "./sdk-serve.test-support.ts";
import { serveOverSdkTransport } from "./sdk-v2.ts";

interface Served {
  readonly server: MCPServer;
  readonly transport: Transport;
  readonly clientTransport: Transport;
  readonly events: string[];
}

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function served(transport: Transport, clientTransport: Transport): Served {
  const events: string[] = [];
  const server = servedServer([], events);
  open.push(() => server.stop());
  return { server, transport, clientTransport, events };
}

async function inMemory(): Promise<Served> {
  const [clientTransport, transport] = InMemoryTransport.createLinkedPair();
  return served(transport, clientTransport);
}

async function overHttp(): Promise<Served> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => "session-1",
  });
  const listener = await listenOn(
    getRequestListener((request) => transport.handleRequest(request)),
  );
  open.push(() => listener.close());
  return served(transport, new StreamableHTTPClientTransport(listener.url));
}

async function connect({ clientTransport }: Served, pinned?: "2026-07-28"): Promise<Client> {
  const client = new Client(
    { name: "client", version: "1" },
    {
      capabilities: { elicitation: {} },
      versionNegotiation: { mode: pinned === undefined ? "legacy" : { pin: pinned } },
    },
  );
  await client.connect(clientTransport);
  open.push(() => client.close());
  return client;
}

describe.each([
  ["in memory, a legacy client", inMemory, undefined],
  ["in memory, a modern client", inMemory, "2026-07-28"],
  ["over Streamable HTTP, a legacy client", overHttp, undefined],
] as const)("a Backplane server over a transport of SDK v2, %s", (_name, make, pinned) => {
  it("answers the SDK's client", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig, pinned);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("echo");
    const answer = await client.callTool({ name: "echo", arguments: { a: [1, "ü"] } });
    expect(answer.content).toEqual([{ type: "text", text: '{"a":[1,"ü"]}' }]);
    await expect(client.callTool({ name: "unknown" })).rejects.toMatchObject({ code: -32602 });
  });

  it("sends progress and questions on the stream of their call", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig, pinned);
    const asked: unknown[] = [];
    client.setRequestHandler("elicitation/create", ({ params }) => {
      asked.push(params.message);
      return { action: "accept", content: { name: "Ada" } };
    });
    const progress: unknown[] = [];
    await client.callTool(
      { name: "count", arguments: {} },
      { onprogress: (report) => progress.push(report) },
    );
    expect(progress).toEqual([
      { progress: 1, total: 2, message: "one" },
      { progress: 2, total: 2 },
    ]);
    const answer = await client.callTool({ name: "ask", arguments: {} });
    expect(JSON.parse(textOf({ result: answer as never }) ?? "")).toEqual({
      action: "accept",
      content: { name: "Ada" },
    });
    expect(asked).toEqual(["your name?"]);
  });

  it("aborts a call that the client cancels", async () => {
    const rig = await make();
    await serveOverSdkTransport(rig.server, rig.transport);
    const client = await connect(rig, pinned);
    const controller = new AbortController();
    const waiting = client.callTool({ name: "wait", arguments: {} }, { signal: controller.signal });
    await vi.waitFor(() => expect(rig.events).toEqual(["wait started"]));
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await vi.waitFor(() => expect(rig.events).toEqual(["wait started", "wait aborted"]));
  });
});
