import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CHANNELS,
  createMemoryEventBus,
  createMemoryEventLog,
  createMemorySessionStore,
  type GaugeEvent,
} from "@backplane/protocol";
import { chaotic, createFakeClock } from "@backplane/protocol/test-suite";
import { afterEach, describe, expect, it } from "vitest";
import {
  Gates,
  pass,
  type Running,
  startReplicas,
  startServer,
  stopAll,
  USER_HEADER_AUTH,
} from "./legacy-servers.test-support.ts";
import {
  initializeMessage,
  POST_HEADERS,
  RawSession,
  requestMessage,
  send,
} from "./raw-client.test-support.ts";

const running: Running[] = [];
const gates = new Gates();

async function start(options: Parameters<typeof startServer>[1] = {}): Promise<Running> {
  const server = await startServer(gates, options);
  running.push(server);
  return server;
}

afterEach(() => stopAll(running.splice(0)));

const PING = requestMessage(1, "ping");

describe("the session id", () => {
  it("is 128 bits of visible ASCII, different each time", async () => {
    const { url } = await start();
    const ids = new Set<string>();
    for (let n = 0; n < 20; n++) ids.add((await RawSession.open(url)).id);
    expect(ids.size).toBe(20);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  it("is required: 400 without it, for requests, notifications, responses and DELETE", async () => {
    const { url } = await start();
    const notification = { jsonrpc: "2.0", method: "notifications/initialized" };
    const answer = { jsonrpc: "2.0", id: 1, result: {} };
    for (const message of [PING, notification, answer]) {
      const response = await send(url, "POST", POST_HEADERS, message);
      expect(response.status).toBe(400);
      const { error } = await response.json();
      expect(error).toMatchObject({ code: -32600 });
      expect(error?.message).toContain("Mcp-Session-Id");
    }
    expect((await send(url, "DELETE", {})).status).toBe(400);
  });

  it.each(["unknown", "sse-unknown", "x".repeat(5_000), ""])(
    "of nobody is a 404: %s",
    async (id) => {
      const { url } = await start({ legacySse: true });
      const headers = { ...POST_HEADERS, "mcp-session-id": id };
      const response = await send(url, "POST", headers, PING);
      expect(response.status).toBe(404);
      expect((await response.json()).id).toBe(1);
    },
  );

  it("of another principal is answered exactly as one of nobody", async () => {
    const { url } = await start({ auth: USER_HEADER_AUTH });
    const ada = await RawSession.open(url, { headers: { "x-user": "ada" } });
    const asBob = { ...POST_HEADERS, "x-user": "bob" };
    for (const method of ["POST", "GET", "DELETE"]) {
      const body = method === "POST" ? PING : undefined;
      const headers = { ...asBob, accept: "application/json, text/event-stream" };
      const theirs = await send(url, method, { ...headers, "mcp-session-id": ada.id }, body);
      const none = await send(url, method, { ...headers, "mcp-session-id": "0".repeat(32) }, body);
      expect(theirs.status).toBe(404);
      expect(await theirs.text()).toBe(await none.text());
    }
    expect((await ada.request(url, "ping")).result).toEqual({});
  });

  it("is forgotten after its idle time, and each use begins it anew", async () => {
    const clock = createFakeClock();
    const { url } = await start({ clock, sessions: { ttlMs: 60_000 } });
    const session = await RawSession.open(url);
    for (let n = 0; n < 3; n++) {
      clock.advance(59_000);
      expect((await session.request(url, "ping")).result).toEqual({});
    }
    clock.advance(60_000);
    expect((await session.open(url, "ping")).status).toBe(404);
    // Nothing of the idle session was kept here, no timer either.
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("MCP-Protocol-Version", () => {
  it.each([
    ["2026-13-45", -32602],
    ["2025-06-18", -32600],
    ["nonsense", -32602],
  ])("%s is refused in a session of 2025-11-25", async (version, code) => {
    const { url } = await start();
    const session = await RawSession.open(url);
    const response = await session.post(url, PING, { "mcp-protocol-version": version });
    expect(response.status).toBe(400);
    expect((await response.json()).error?.code).toBe(code);
    const get = {
      ...session.headers,
      accept: "text/event-stream",
      "mcp-protocol-version": version,
    };
    expect((await send(url, "GET", get)).status).toBe(400);
  });

  it("may be absent: the session knows", async () => {
    const { url } = await start();
    const session = await RawSession.open(url, { revision: "2025-06-18" });
    const response = await session.post(url, PING, { "mcp-protocol-version": undefined });
    expect((await response.json()).result).toEqual({});
  });

  it("is settled by initialize, which answers an unknown version with the newest it speaks", async () => {
    const { url } = await start();
    const older = await RawSession.open(url, { revision: "2025-03-26" });
    expect(older.initialized.result.protocolVersion).toBe("2025-03-26");
    const response = await send(url, "POST", POST_HEADERS, initializeMessage("2031-01-01", {}));
    expect((await response.json()).result.protocolVersion).toBe("2025-11-25");
  });
});

describe("a store", () => {
  it("that is full refuses one more with 503, and makes room for it when one was idle", async () => {
    const clock = createFakeClock();
    const sessionStore = createMemorySessionStore({ maxSessions: 2, clock });
    const { url } = await start({ clock, sessionStore, sessions: { evictIdleMs: 30_000 } });
    await RawSession.open(url);
    await RawSession.open(url);
    const refused = await send(url, "POST", POST_HEADERS, initializeMessage("2025-11-25", {}));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect((await refused.json()).error?.data).toMatchObject({ reason: "too_many_sessions" });
    clock.advance(30_000);
    await RawSession.open(url);
  });

  it("keeps sessions with running work, however long that takes", async () => {
    const clock = createFakeClock();
    const sessionStore = createMemorySessionStore({ maxSessions: 1, clock });
    const sessions = { ttlMs: 60_000, evictIdleMs: 30_000 };
    const { url } = await start({ clock, sessionStore, sessions });
    const session = await RawSession.open(url);
    const answer = session.call(url, "waits", { gate: "long" });
    await gates.at("long").reached;
    await pass(clock, 300_000);
    const refused = await send(url, "POST", POST_HEADERS, initializeMessage("2025-11-25", {}));
    expect(refused.status).toBe(503);
    gates.at("long").open();
    expect((await (await answer).next(undefined)).result).toBeDefined();
    expect((await session.request(url, "ping")).result).toEqual({});
  });

  it("that is away is a named 503, and the server goes on", async () => {
    const { subject, chaos } = chaotic(createMemorySessionStore());
    const { url } = await start({ sessionStore: subject });
    const session = await RawSession.open(url);
    for (const attempt of [
      () => session.post(url, PING),
      () => session.get(url),
      () => send(url, "DELETE", session.headers),
      () => send(url, "POST", POST_HEADERS, initializeMessage("2025-11-25", {})),
      () => session.post(url, [PING]),
    ]) {
      chaos.failNext = 1;
      const response = await attempt();
      expect(response.status).toBe(503);
      expect((await response.json()).error?.data).toMatchObject({ reason: "store_unavailable" });
    }
    expect((await session.request(url, "ping")).result).toEqual({});
  });
});

describe("a request", () => {
  it("that is answered at once is plain JSON: no stream, no log, no bus", async () => {
    const log = chaotic(createMemoryEventLog(), { failRate: 1 });
    const bus = createMemoryEventBus();
    const { url } = await start({ eventLog: log.subject, eventBus: bus });
    const session = await RawSession.open(url);
    const published: string[] = [];
    await bus.subscribe("sessions", (message) => published.push(message));
    for (const tool of ["echo", "late"]) {
      const response = await session.call(url, tool);
      expect(response.headers["content-type"]).toBe("application/json");
      expect((await response.json()).result.content[0].text).toBe(tool);
    }
    expect(log.failures()).toBe(0);
    expect(published).toEqual([]);
  });

  it("whose id is in use is refused, and the one before it goes on", async () => {
    const { url } = await start();
    const session = await RawSession.open(url);
    const params = { name: "waits", arguments: { gate: "twice" } };
    const first = session.open(url, "tools/call", params, "same");
    await gates.at("twice").reached;
    const second = await session.open(url, "tools/call", { name: "echo" }, "same");
    expect(second.status).toBe(400);
    expect((await second.json()).error?.code).toBe(-32600);
    gates.at("twice").open();
    expect((await (await first).json()).result.content[0].text).toBe("waited");
    const third = await session.open(url, "tools/call", { name: "echo" }, "same");
    expect((await third.json()).result.content[0].text).toBe("echo");
  });

  it("with a malformed progress token is refused", async () => {
    const { url } = await start();
    const session = await RawSession.open(url);
    const response = await session.call(url, "echo", {}, { progressToken: {} });
    expect(response.status).toBe(400);
    expect((await response.json()).error?.code).toBe(-32602);
  });

  it("is not cancelled by a client that goes away", async () => {
    const { url } = await start();
    const session = await RawSession.open(url);
    const stream = await session.call(url, "reports", { gate: "gone" }, { progressToken: 1 });
    await gates.at("gone").reached;
    await stream.next("notifications/progress");
    stream.abort();
    let aborted = false;
    void gates.at("gone").aborted.then(() => {
      aborted = true;
    });
    for (let n = 0; n < 5; n++) await session.request(url, "ping");
    expect(aborted).toBe(false);
    gates.at("gone").open();
  });
});

describe("the portable handler", () => {
  it("serves sessions, their streams and their resumption", async () => {
    const { server } = await start();
    const url = "http://localhost/mcp";
    const post = (message: object, headers: Record<string, string> = {}): Promise<Response> =>
      server.handler(
        new Request(url, {
          method: "POST",
          headers: { ...(POST_HEADERS as Record<string, string>), ...headers },
          body: JSON.stringify(message),
        }),
      );
    const initialized = await post(initializeMessage("2025-11-25", {}));
    const session = { "mcp-session-id": initialized.headers.get("mcp-session-id") as string };
    const params = {
      name: "reports",
      arguments: { gate: "portable" },
      _meta: { progressToken: 1 },
    };
    const response = await post(requestMessage(2, "tools/call", params), session);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while (!text.includes("notifications/progress")) {
      text += new TextDecoder().decode((await reader.read()).value);
    }
    const lastEventId = /id: (\S+)\ndata: \{/.exec(text)?.[1] as string;
    await reader.cancel();
    const headers = { ...session, accept: "text/event-stream", "last-event-id": lastEventId };
    const resumed = await server.handler(new Request(url, { headers }));
    gates.at("portable").open();
    const rest = await resumed.text();
    expect(rest.match(/notifications\/progress/g)).toHaveLength(2);
    expect(rest).toContain("reported");
    const deleted = await server.handler(new Request(url, { method: "DELETE", headers: session }));
    expect(deleted.status).toBe(200);
    expect((await post(requestMessage(3, "ping"), session)).status).toBe(404);
  });
});

describe("the gauge channel", () => {
  it("tells of sessions that begin, end and expire", async () => {
    const deltas: number[] = [];
    let serverId = "";
    const listener = (event: unknown): void => {
      const { kind, delta, serverId: from } = event as GaugeEvent;
      if (kind === "session" && from === serverId) deltas.push(delta);
    };
    CHANNELS.gauge.subscribe(listener);
    try {
      const clock = createFakeClock();
      const { server, url } = await start({ clock, sessions: { ttlMs: 60_000 } });
      serverId = server.serverId;
      const session = await RawSession.open(url);
      await RawSession.open(url);
      expect(deltas).toEqual([1, 1]);
      await session.delete(url);
      expect(deltas).toEqual([1, 1, -1]);
      await pass(clock, 120_000);
      expect(deltas).toEqual([1, 1, -1, -1]);
    } finally {
      CHANNELS.gauge.unsubscribe(listener);
    }
  });
});

describe("a server that stops", () => {
  it("refuses sessions and streams on a listener that goes on", async () => {
    const server = await start();
    const mounted = createHttpServer(server.server.nodeHandler).listen(0, "127.0.0.1");
    await once(mounted, "listening");
    const url = `http://127.0.0.1:${(mounted.address() as AddressInfo).port}/`;
    const session = await RawSession.open(url);
    await server.server.stop();
    for (const response of [
      await send(url, "POST", POST_HEADERS, initializeMessage("2025-11-25", {})),
      await session.get(url),
    ]) {
      expect(response.status).toBe(503);
      expect((await response.json()).error?.data).toMatchObject({ reason: "draining" });
    }
    mounted.close();
  });

  it("ends GET streams at once, and tells the clients of what it aborts", async () => {
    const [server] = (await startReplicas(1, gates)) as [Running];
    const { url } = server;
    const session = await RawSession.open(url);
    const get = await session.get(url);
    await get.nextEvent();
    const call = await session.call(url, "reports", { gate: "stops" }, { progressToken: 1 });
    await call.next("notifications/progress");
    const stopped = server.server.stop();
    await get.text();
    await stopped;
    // The drain of these servers is 1 ms: the call was aborted, and its client told why.
    expect((await call.next(undefined)).error?.data).toMatchObject({ reason: "draining" });
    await call.text();
  });
});
