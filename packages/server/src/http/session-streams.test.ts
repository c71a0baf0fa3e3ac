import { createMemoryEventLog } from "@backplane/protocol";
import { chaotic, createFakeClock } from "@backplane/protocol/test-suite";
import { afterEach, describe, expect, it } from "vitest";
import { Gates, pass, type Running, startServer, stopAll } from "./legacy-servers.test-support.ts";
import { RawSession, send } from "./raw-client.test-support.ts";

const running: Running[] = [];
const gates = new Gates();
const REPORTED = { progressToken: "token" };

async function start(options: Parameters<typeof startServer>[1] = {}): Promise<Running> {
  const server = await startServer(gates, options);
  running.push(server);
  return server;
}

afterEach(() => stopAll(running.splice(0)));

describe("the stream of a call", () => {
  it("begins with an id, empty data and a retry time in 2025-11-25", async () => {
    const { url } = await start();
    const session = await RawSession.open(url);
    const stream = await session.call(url, "reports", { gate: "primed" }, REPORTED);
    gates.at("primed").open();
    await stream.text();
    expect(stream.events[0]).toMatchObject({ data: "", retry: "1000" });
    const ids = stream.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
    expect(ids).not.toContain(undefined);
  });

  it.each([
    ["2025-06-18", true],
    ["2025-03-26", true],
    ["2024-11-05", false],
  ])("has no empty event in %s", async (revision, hasIds) => {
    const { url } = await start();
    const session = await RawSession.open(url, { revision });
    const stream = await session.call(url, "reports", { gate: "primed" }, REPORTED);
    await stream.text();
    expect(stream.events).toHaveLength(4);
    expect(stream.messages).toHaveLength(4);
    expect(stream.events.every(({ id }) => (id !== undefined) === hasIds)).toBe(true);
  });

  it("is opened for a call that is silent for long, and can then be resumed", async () => {
    const clock = createFakeClock();
    const { url } = await start({ clock });
    const session = await RawSession.open(url);
    const response = session.call(url, "waits", { gate: "silent" });
    await gates.at("silent").reached;
    await pass(clock, 15_000);
    const stream = await response;
    expect(stream.isStream).toBe(true);
    const primed = await stream.nextEvent();
    stream.abort();
    const resumed = await session.get(url, primed?.id);
    gates.at("silent").open();
    expect((await resumed.next(undefined)).result.content[0].text).toBe("waited");
  });

  it("cannot be released where its client could not come back", async () => {
    const { url } = await start();
    const session = await RawSession.open(url, { revision: "2025-06-18" });
    gates.at("kept").open();
    const stream = await session.call(url, "releases", { gate: "kept" }, REPORTED);
    expect((await stream.next(undefined)).result.content[0].text).toBe("kept");
  });

  it("carries one message of any size, and replays it to a reader with a small queue", async () => {
    const { url } = await start({ limits: { maxQueuedBytes: 65_536 } });
    const session = await RawSession.open(url);
    const stream = await session.call(url, "large", {}, REPORTED);
    const [primed] = [await stream.nextEvent()];
    expect((await stream.next(undefined)).result.content[0].text).toHaveLength(3_000_000);
    const replayed = await session.get(url, primed?.id);
    expect((await replayed.next(undefined)).result.content[0].text).toHaveLength(3_000_000);
  });

  it("goes on, without ids, while the log is away", async () => {
    const { subject } = chaotic(createMemoryEventLog(), { failRate: 1 });
    const { url } = await start({ eventLog: subject });
    const session = await RawSession.open(url);
    gates.at("unlogged").open();
    const stream = await session.call(url, "reports", { gate: "unlogged" }, REPORTED);
    expect((await stream.next(undefined)).result.content[0].text).toBe("reported");
    expect(stream.events.every(({ id }) => id === undefined)).toBe(true);
  });

  it("is forgotten when its time to be resumed is over, and with its session", async () => {
    const clock = createFakeClock();
    const eventLog = createMemoryEventLog({ clock });
    const { url } = await start({ clock, eventLog, sessions: { resumeWindowMs: 30_000 } });
    const session = await RawSession.open(url);
    gates.at("forgotten").open();
    const streams = [];
    for (let n = 0; n < 2; n++) {
      const stream = await session.call(url, "reports", { gate: "forgotten" }, REPORTED);
      await stream.text();
      streams.push(`${session.id}/${stream.lastEventId.split(".", 1)}`);
      if (n === 0) await pass(clock, 20_000);
    }
    await pass(clock, 15_000);
    expect(await eventLog.read(streams[0] as string, undefined)).toBeUndefined();
    expect(await eventLog.read(streams[1] as string, undefined)).toBeDefined();
    await session.delete(url);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await eventLog.read(streams[1] as string, undefined)).toBeUndefined();
    await pass(clock, 5_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is not kept beyond the bound on streams", async () => {
    const eventLog = createMemoryEventLog();
    const { url } = await start({ eventLog, limits: { maxStreams: 2 } });
    const session = await RawSession.open(url);
    gates.at("bound").open();
    const streams = [];
    for (let n = 0; n < 4; n++) {
      const stream = await session.call(url, "reports", { gate: "bound" }, REPORTED);
      await stream.text();
      streams.push(`${session.id}/${stream.lastEventId.split(".", 1)}`);
    }
    const kept = await Promise.all(streams.map((stream) => eventLog.read(stream, undefined)));
    expect(kept.map((page) => page !== undefined)).toEqual([false, false, true, true]);
  });
});

describe("Last-Event-ID", () => {
  it.each(["nonsense", "c0123.1", "../../x.1", "s.1", "c.", "c12.34 5"])(
    "that was not made here is a 400: %s",
    async (id) => {
      const { url } = await start();
      const session = await RawSession.open(url);
      const response = await session.get(url, id);
      expect(response.status).toBe(400);
      expect((await response.json()).error?.message).toContain("Last-Event-ID");
    },
  );
});

describe("GET", () => {
  it.each([undefined, "application/json", "*/*"])("with Accept %s is a 406", async (accept) => {
    const { url } = await start();
    const session = await RawSession.open(url);
    expect((await send(url, "GET", { ...session.headers, accept })).status).toBe(406);
  });

  it("without a session names the option that would serve it, and modern clients get 405", async () => {
    const { url } = await start();
    const response = await send(url, "GET", { accept: "text/event-stream" });
    expect(response.status).toBe(405);
    expect(response.headers.allow).toBeDefined();
    expect((await response.json()).error?.message).toContain("legacySse: true");
    const modern = { accept: "text/event-stream", "mcp-protocol-version": "2026-07-28" };
    expect((await send(url, "GET", modern)).status).toBe(405);
    const legacy = { accept: "text/event-stream", "mcp-protocol-version": "2025-11-25" };
    expect((await send(url, "GET", legacy)).status).toBe(400);
  });

  it("is bounded per owner, and gives its place back when its client goes", async () => {
    const { url } = await start({ limits: { maxStreams: 1 } });
    const session = await RawSession.open(url);
    const other = await RawSession.open(url);
    const get = await session.get(url);
    const refused = await other.get(url);
    expect(refused.status).toBe(503);
    expect((await refused.json()).error?.data).toMatchObject({ reason: "too_many_streams" });
    get.abort();
    for (;;) {
      const again = await other.get(url);
      if (again.status === 200) break;
      await again.text();
    }
  });

  it("keeps its session from expiring while it is read, and not longer", async () => {
    const clock = createFakeClock();
    const { url } = await start({ clock, sessions: { ttlMs: 60_000 } });
    const session = await RawSession.open(url);
    const get = await session.get(url);
    await get.nextEvent();
    await pass(clock, 300_000);
    expect((await session.request(url, "ping")).result).toEqual({});
    get.abort();
    await session.request(url, "ping");
    await pass(clock, 150_000);
    expect((await session.open(url, "ping")).status).toBe(404);
    expect(clock.pendingTimers).toBe(0);
  });

  it("tells that everything may have changed when it cannot tell what did", async () => {
    const clock = createFakeClock();
    const { url, server } = await start({ clock, sessions: { resumeWindowMs: 30_000 } });
    const session = await RawSession.open(url);
    await session.request(url, "resources/subscribe", { uri: "test://a" });
    const get = await session.get(url);
    const primed = await get.nextEvent();
    get.abort();
    await session.request(url, "ping");
    await pass(clock, 45_000);
    const resumed = await session.get(url, primed?.id);
    server.resourceUpdated("test://b");
    await resumed.next("notifications/resources/updated");
    expect(resumed.messages.map(({ method, params }) => params?.uri ?? method)).toEqual([
      "notifications/tools/list_changed",
      "notifications/prompts/list_changed",
      "notifications/resources/list_changed",
      "test://a",
    ]);
  });

  it("does not wait long for the stream before it when the process of that one died", async () => {
    const clock = createFakeClock();
    const eventLog = createMemoryEventLog({ clock });
    const { url } = await start({ clock, eventLog });
    const session = await RawSession.open(url);
    const first = await eventLog.append(`${session.id}/sdead`, "");
    const missed = '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}';
    await eventLog.append(`${session.id}/sdead`, missed);
    const get = await session.get(url, `sdead.${first}`);
    expect((await get.nextEvent())?.data).toBe(missed);
    clock.advance(2_000);
    await get.next("notifications/tools/list_changed");
  });

  it("hands over what came while it was still replaying", async () => {
    const clock = createFakeClock();
    const eventLog = createMemoryEventLog({ clock });
    const { url, server } = await start({ clock, eventLog });
    const session = await RawSession.open(url);
    await session.request(url, "resources/subscribe", { uri: "test://a" });
    const known = await session.get(url);
    const primed = await known.nextEvent();
    // Its predecessor never ends, and the clock stands still: it replays for as long as the test.
    const dead = await eventLog.append(`${session.id}/sdead`, "");
    const replaying = await session.get(url, `sdead.${dead}`);
    await known.text();
    server.resourceUpdated("test://a");
    await session.request(url, "ping");
    const resumed = await session.get(url, primed?.id);
    await resumed.next("notifications/resources/updated");
    await replaying.text();
    expect(replaying.messages).toEqual([]);
    while (resumed.events.at(-1)?.data !== "") await resumed.nextEvent();
    expect(resumed.messages).toHaveLength(1);
  });

  it("ends with its session", async () => {
    const { url } = await start();
    const session = await RawSession.open(url);
    const get = await session.get(url);
    await session.delete(url);
    await get.text();
    expect(get.messages).toEqual([]);
  });

  it("of a revision without resumption carries changes without ids", async () => {
    const { url, server } = await start();
    const session = await RawSession.open(url, { revision: "2024-11-05" });
    const get = await session.get(url);
    await session.request(url, "resources/subscribe", { uri: "test://a" });
    server.resourceUpdated("test://a");
    expect((await get.next("notifications/resources/updated")).params.uri).toBe("test://a");
    expect(get.events.every(({ id }) => id === undefined)).toBe(true);
  });
});
