import { createServer, ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import {
  type Authorizer,
  createMemoryEventBus,
  type EventBus,
  type Logger,
  systemClock,
} from "@backplane/protocol";
import { chaotic } from "@backplane/protocol/test-suite";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ChangeFeed } from "./change-feed.ts";
import { ERAS, RawClient } from "./client.test-support.ts";
import { NodeExchange } from "./http/node-exchange.ts";
import { InputPeer, quietServer } from "./input-peer.test-support.ts";
import { MCPServer } from "./mcp-server.ts";
import type { MCPServerOptions } from "./options.ts";

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function quiet(options: Partial<MCPServerOptions> = {}): MCPServer {
  return new MCPServer({ name: "bounds", version: "1", logger: SILENT, ...options });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("what a request acts on", () => {
  it("is what its state is bound to, whatever else it names", async () => {
    const server = quietServer([]);
    const schema = { type: "object", properties: { ok: { type: "boolean" } } } as const;
    for (const uri of ["app://a", "app://b"]) {
      server.resource(uri, {}, async (_read, ctx) => {
        await ctx.elicit("ok", { message: "Read?", schema });
        return uri;
      });
    }
    const peer = new InputPeer(server.connectInMemory());
    const asked = await peer.modern("resources/read", { uri: "app://a", name: "same" });
    const requestState = asked.result?.requestState;
    const retry = { requestState, inputResponses: { ok: { action: "accept", content: {} } } };
    const foreign = await peer.modern("resources/read", {
      uri: "app://b",
      name: "same",
      ...retry,
    });
    expect(foreign.error?.code).toBe(-32602);
    const own = await peer.modern("resources/read", { uri: "app://a", ...retry });
    expect(own.result).toMatchObject({ contents: [{ text: "app://a" }] });
    await peer.close();
  });

  it.each(ERAS)("is what interceptors are told, whatever else it names (%s)", async (era) => {
    const server = quiet();
    const targets: unknown[] = [];
    server.use({
      name: "observer",
      phase: "observe",
      intercept: (invocation, next) => {
        targets.push(invocation.target);
        return next(invocation);
      },
    });
    server.resource("app://secret", {}, () => "secret");
    server.tool("t", {}, () => "t");
    const client = await RawClient.connect(server, era);
    await client.result("resources/read", { uri: "app://secret", name: "harmless" });
    await client.result("tools/call", { name: "t", uri: "app://harmless" });
    await client.result("tools/list", { name: "harmless" });
    expect(targets).toEqual(["app://secret", "t", undefined]);
    await client.close();
  });
});

describe("a legacy subscription", () => {
  const policy: Authorizer = {
    perPrincipal: true,
    decide: (_principal, { name }) => ({ effect: name === "app://hidden" ? "hide" : "allow" }),
  };

  it("to a hidden resource is refused exactly as one to an unknown one", async () => {
    const server = quiet({ policy });
    server.resource("app://hidden", {}, () => "hidden");
    server.resource("app://seen", {}, () => "seen");
    const client = await RawClient.connect(server, "legacy");
    const subscribe = (uri: string) => client.request("resources/subscribe", { uri });
    const hidden = await subscribe("app://hidden");
    const unknown = await subscribe("app://unknow");
    expect(hidden.error?.code).toBe(-32002);
    const text = JSON.stringify(hidden.error).replaceAll("hidden", "unknow");
    expect(text).toBe(JSON.stringify(unknown.error));
    expect((await subscribe("app://seen")).result).toEqual({});
    server.resourceUpdated("app://hidden");
    server.resourceUpdated("app://seen");
    await vi.waitFor(() => expect(client.notifications.length).toBeGreaterThan(0));
    const updated = client.notifications.filter(({ method }) => method.endsWith("/updated"));
    expect(updated.map(({ params }) => params?.uri)).toEqual(["app://seen"]);
    await client.close();
  });

  it("to what does not exist yet is taken without a policy, up to a length", async () => {
    const server = quiet();
    server.resource("app://a", {}, () => "a");
    const client = await RawClient.connect(server, "legacy");
    expect((await client.request("resources/subscribe", { uri: "app://b" })).result).toEqual({});
    const long = await client.request("resources/subscribe", { uri: `app://${"b".repeat(8_192)}` });
    expect(long.error?.code).toBe(-32602);
    await client.close();
  });
});

describe("what the server says again", () => {
  it.each(ERAS)("is no progress token of any length (%s)", async (era) => {
    const server = quiet();
    server.tool("t", {}, () => "t");
    const client = await RawClient.connect(server, era);
    const call = (length: number) =>
      client.request("tools/call", { name: "t" }, { progressToken: "x".repeat(length) });
    expect((await call(1_024)).error).toBeUndefined();
    expect((await call(1_025)).error?.code).toBe(-32602);
    await client.close();
  });

  it("is no client information of any size", async () => {
    const server = quiet();
    const initialize = async (padding: number): Promise<number | undefined> => {
      const client = await RawClient.connect(server, "modern");
      const answer = new Promise<{ error?: { code: number } }>((resolve) => {
        const transport = server.connectInMemory();
        transport.start({ onMessage: (text) => resolve(JSON.parse(text)), onClose: () => {} });
        const clientInfo = { name: "c", version: "1", title: "x".repeat(padding) };
        const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
        transport.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }));
      });
      await client.close();
      return (await answer).error?.code;
    };
    expect(await initialize(60_000)).toBeUndefined();
    expect(await initialize(70_000)).toBe(-32602);
  });
});

describe("a batch on a connection", () => {
  it("is answered in full, whatever else is in it", async () => {
    const server = quiet();
    server.tool("late", {}, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return "late";
    });
    const transport = server.connectInMemory();
    const received: string[] = [];
    transport.start({ onMessage: (text) => received.push(text), onClose: () => {} });
    const clientInfo = { name: "c", version: "1" };
    const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo };
    transport.send(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }));
    const _meta = { "io.modelcontextprotocol/protocolVersion": 5 };
    const members = [
      { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "late" } },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", method: "notifications/initialized", params: { _meta } },
      { jsonrpc: "2.0", id: 2, result: {} },
    ];
    transport.send(JSON.stringify(members));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    const answers = JSON.parse(received[1] as string) as { id?: number; result?: object }[];
    expect(answers.find(({ id }) => id === 1)?.result).toMatchObject({
      content: [{ text: "late" }],
    });
    await transport.close();
  });
});

describe("listen streams", () => {
  it("have ids of bounded length", async () => {
    const server = quiet();
    const transport = server.connectInMemory();
    const answer = new Promise<{ error?: { code: number } }>((resolve) => {
      transport.start({ onMessage: (text) => resolve(JSON.parse(text)), onClose: () => {} });
    });
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const params = { notifications: {}, _meta };
    const id = "x".repeat(1_025);
    transport.send(JSON.stringify({ jsonrpc: "2.0", id, method: "subscriptions/listen", params }));
    expect((await answer).error?.code).toBe(-32602);
    await transport.close();
  });

  it("take no place from calls", async () => {
    const server = quiet({ limits: { maxInFlight: 1 } });
    server.tool("t", {}, async () => "t");
    const client = await RawClient.connect(server, "modern");
    const notifications = { toolsListChanged: true };
    for (let n = 1; n <= 3; n++) void client.request("subscriptions/listen", { notifications });
    await vi.waitFor(() => expect(client.notifications).toHaveLength(3));
    expect(await client.call("t")).toMatchObject({ content: [{ text: "t" }] });
    await client.close();
  });
});

describe("the feed of changes", () => {
  it("tries the bus again after it was away, and closes in any case", async () => {
    const { subject, chaos } = chaotic<EventBus>(createMemoryEventBus());
    const feed = new ChangeFeed(subject, SILENT, systemClock);
    const heard: string[] = [];
    const listener = { onListChanged: (kind: string) => heard.push(kind), onResourceUpdated() {} };
    chaos.failNext = 1;
    await expect(feed.listen(listener)).rejects.toThrow("Chaos");
    await feed.listen(listener);
    feed.listChanged("tools");
    await vi.waitFor(() => expect(heard).toEqual(["tools"]));
    await feed.close();
    const away = new ChangeFeed(subject, SILENT, systemClock);
    chaos.failNext = 1;
    await Promise.allSettled([away.listen(listener), away.close()]);
    await expect(away.close()).resolves.toBeUndefined();
  });
});

describe("a client that does not read", () => {
  it("loses its connection, and a client that reads does not", async () => {
    const setTimeoutOf = ServerResponse.prototype.setTimeout;
    const armed = vi.spyOn(ServerResponse.prototype, "setTimeout").mockImplementation(function (
      this: ServerResponse,
      ms,
      callback,
    ) {
      expect(ms).toBe(60_000);
      return setTimeoutOf.call(this, 50, callback);
    });
    const bodies = ["small", "x".repeat(32 * 1024 * 1024)];
    const server = createServer((request, response) => {
      new NodeExchange(request, response, { maxQueuedBytes: 1, proxies: undefined }).respond(
        200,
        bodies.shift(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("small");
    expect(armed).not.toHaveBeenCalled();
    const closed = new Promise((resolve) => {
      server.on("connection", (socket) => socket.on("close", resolve));
    });
    const client = connect(port, "127.0.0.1");
    client.on("error", () => {});
    client.pause();
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await closed;
    expect(armed).toHaveBeenCalledOnce();
    client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("or was answered by someone else gets no second answer", async () => {
    const server = createServer((request, response) => {
      const exchange = new NodeExchange(request, response, {
        maxQueuedBytes: 1,
        proxies: undefined,
      });
      response.writeHead(503).write("timed out");
      const stream = exchange.openStream();
      stream.send({ data: "late" });
      stream.close();
      expect(stream.closed).toBe(true);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.status).toBe(503);
    expect(await response.text()).toBe("timed out");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
