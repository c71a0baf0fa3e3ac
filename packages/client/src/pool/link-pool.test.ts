import { ErrorCode, MCPError } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { MCPClientError } from "../errors.ts";
import { Link } from "../link.ts";
import { acquireLink, linkTaker } from "../link-source.ts";
import { poolRig, settle } from "./link-pool.test-support.ts";
import { type PoolOptions, resolvePoolOptions } from "./pool-options.ts";

const refused = new MCPClientError("connection_failed", "nobody listens");
const lost = new MCPClientError("connection_lost", "it broke");

type Rig = ReturnType<typeof poolRig>;

async function connected(options: Partial<PoolOptions> = {}): Promise<Rig> {
  const rig = poolRig(options);
  const connecting = rig.pool.connect();
  await rig.openAll();
  await connecting;
  return rig;
}

/** Takes links that are there. */
function take(rig: Rig, count: number): Link[] {
  return Array.from({ length: count }, () => {
    const link = rig.pool.acquire(linkTaker({ onLink: () => {}, onNoLink: () => {} }));
    if (!(link instanceof Link)) throw new Error("no link is free");
    return link;
  });
}

describe("options of a pool", () => {
  it.each<[string, Partial<PoolOptions>, RegExp]>([
    ["no connection at all", { maxConnections: 0 }, /"maxConnections" must be a whole number of 1/],
    ["half a connection", { minConnections: 0.5 }, /"minConnections" must be a whole number/],
    ["more at least than at most", { minConnections: 11 }, /"minConnections" \(11\) must not be/],
    ["a wait of 0", { connectionTimeoutMs: 0 }, /"connectionTimeoutMs" must be a whole number/],
    ["an endless wait", { connectionTimeoutMs: Number.POSITIVE_INFINITY }, /"connectionTimeoutMs"/],
    ["an age below 0", { maxLifetimeMs: -1 }, /"maxLifetimeMs" must be a whole number/],
    ["an idle time of text", { idleTimeoutMs: "5" as never }, /"idleTimeoutMs" must be a whole/],
    ["no queue", { maxWaiting: 0 }, /"maxWaiting" must be a whole number/],
  ])("refuse %s, naming it", (_what, options, message) => {
    expect(() => resolvePoolOptions("Pool", options)).toThrow(message);
  });

  it("take 0 for minConnections and Infinity for never", () => {
    const never = Number.POSITIVE_INFINITY;
    const options = { minConnections: 0, idleTimeoutMs: never, healthCheckIntervalMs: never };
    expect(resolvePoolOptions("Pool", options)).toMatchObject(options);
  });
});

describe("connect", () => {
  it("opens one, and the others of minConnections when that one works", async () => {
    const rig = poolRig({ minConnections: 3 });
    const connecting = rig.pool.connect();
    await settle();
    expect(rig.opening).toHaveLength(1);
    rig.openNext();
    await settle();
    expect(rig.opening).toHaveLength(2);
    await rig.openAll();
    await connecting;
    expect(rig.pool.stats).toMatchObject({ open: 3, idle: 3, busy: 0, opening: 0, created: 3 });
    await rig.pool.connect();
    expect(rig.pool.stats.created).toBe(3);
  });

  it("proves the server with minConnections 0 too", async () => {
    const rig = await connected({ minConnections: 0 });
    expect(rig.pool.stats.open).toBe(1);
  });

  it("fails with what the server failed with, and holds nothing then", async () => {
    const rig = poolRig({ minConnections: 3 });
    const outcome = expect(rig.pool.connect()).rejects.toBe(refused);
    await settle();
    rig.openNext();
    await settle();
    rig.failNext(refused);
    await rig.openAll();
    await outcome;
    await settle();
    expect(rig.pool.stats).toMatchObject({ open: 0, opening: 0, failedToOpen: 1 });
    expect(rig.alive()).toBe(0);
    rig.clock.advance(600_000);
    await settle();
    expect(rig.opening).toHaveLength(0);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("can be tried again", async () => {
    const rig = poolRig({ minConnections: 2 });
    const first = rig.pool.connect();
    await settle();
    rig.failNext(refused);
    await expect(first).rejects.toBe(refused);
    const second = rig.pool.connect();
    await rig.openAll();
    await second;
    expect(rig.pool.stats.open).toBe(2);
  });
});

describe("acquire", () => {
  it("opens without connect, one at first however many wait", async () => {
    const rig = poolRig({ maxConnections: 3 });
    const waiting = [1, 2, 3, 4].map(() => acquireLink(rig.pool));
    expect(rig.opening).toHaveLength(1);
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 3, busy: 3, waiting: 1 });
    const links = await Promise.all(waiting.slice(0, 3));
    expect(new Set(links).size).toBe(3);
    rig.pool.release(links[0] as Link, undefined);
    expect(await waiting[3]).toBe(links[0]);
  });

  it("hands the last one given back out first", async () => {
    const rig = await connected({ minConnections: 3 });
    const [a, b, c] = take(rig, 3) as [Link, Link, Link];
    for (const link of [b, c, a]) rig.pool.release(link, undefined);
    expect(take(rig, 3)).toEqual([a, c, b]);
  });

  it("serves those that wait in their order", async () => {
    const rig = await connected({ maxConnections: 1 });
    const [link] = take(rig, 1) as [Link];
    const served: number[] = [];
    const waiting = [1, 2, 3].map(async (name) => {
      const own = await acquireLink(rig.pool);
      served.push(name);
      rig.pool.release(own, undefined);
    });
    rig.pool.release(link, undefined);
    await Promise.all(waiting);
    expect(served).toEqual([1, 2, 3]);
  });

  it("gives up after connectionTimeoutMs and says what the pool is busy with", async () => {
    const rig = await connected({ maxConnections: 1, connectionTimeoutMs: 5_000 });
    const [link] = take(rig, 1) as [Link];
    const waiting = acquireLink(rig.pool);
    rig.clock.advance(4_999);
    expect(rig.pool.stats.waiting).toBe(1);
    rig.clock.advance(200);
    await expect(waiting).rejects.toMatchObject({
      code: "acquire_timeout",
      details: { limitMs: 5_000 },
      message: expect.stringContaining("1 of at most 1 open, 1 busy"),
    });
    rig.pool.release(link, undefined);
    expect(rig.pool.stats).toMatchObject({ idle: 1, waiting: 0 });
  });

  it("ends with the caller's signal, before and while it waits", async () => {
    const rig = await connected({ maxConnections: 1 });
    take(rig, 1);
    const controller = new AbortController();
    const waiting = acquireLink(rig.pool, controller.signal);
    controller.abort("enough");
    await expect(waiting).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    await expect(acquireLink(rig.pool, controller.signal)).rejects.toMatchObject({
      code: "aborted",
    });
    expect(rig.pool.stats.waiting).toBe(0);
  });

  it("refuses more than maxWaiting at once", async () => {
    const rig = await connected({ maxConnections: 1, maxWaiting: 1 });
    take(rig, 1);
    acquireLink(rig.pool).catch(() => {});
    await expect(acquireLink(rig.pool)).rejects.toMatchObject({ code: "overloaded" });
    await rig.pool.close();
  });

  it("tells all that wait when nothing can be opened", async () => {
    const rig = poolRig();
    const waiting = [1, 2].map(() => acquireLink(rig.pool));
    rig.failNext(refused);
    for (const each of waiting) await expect(each).rejects.toBe(refused);
  });

  it("leaves them waiting for what is open when no more can be opened, and tries again later", async () => {
    const rig = await connected({ maxConnections: 2 });
    const [link] = take(rig, 1) as [Link];
    const waiting = [1, 2].map(() => acquireLink(rig.pool));
    rig.failNext(refused);
    await settle();
    expect(rig.pool.stats).toMatchObject({ waiting: 2, failedToOpen: 1, opening: 0 });
    rig.pool.release(link, undefined);
    expect(await waiting[0]).toBe(link);
    rig.clock.advance(100);
    const other = rig.openNext();
    expect(await waiting[1]).toBe(other);
  });

  it("hands out none that ended by itself", async () => {
    const rig = await connected({ minConnections: 2 });
    rig.links[1]?.breakDown();
    expect(take(rig, 1)).toEqual([rig.links[0]?.link]);
    expect(rig.pool.stats.discarded.over).toBe(1);
  });
});

describe("release", () => {
  it.each<[string, MCPError | MCPClientError]>([
    ["a lost connection", lost],
    ["a timeout", new MCPClientError("timeout", "m")],
    ["an answer that is none", new MCPClientError("invalid_response", "m")],
  ])("replaces a connection after %s", async (_what, failure) => {
    const rig = await connected();
    const [link] = take(rig, 1) as [Link];
    rig.pool.release(link, failure);
    await rig.openAll();
    expect(rig.links[0]?.closed).toBe(true);
    expect(rig.pool.stats).toMatchObject({ open: 1, idle: 1, created: 2 });
    expect(rig.pool.stats.discarded.failed).toBe(1);
  });

  it.each<[string, MCPError | MCPClientError]>([
    ["an error of the server", new MCPError(ErrorCode.invalidParams, "m")],
    ["the caller's signal", new MCPClientError("aborted", "m")],
    ["a rate limit", new MCPClientError("http_status", "m", { status: 429 })],
  ])("keeps a connection after %s", async (_what, failure) => {
    const rig = await connected();
    const [link] = take(rig, 1) as [Link];
    rig.pool.release(link, failure);
    expect(take(rig, 1)).toEqual([link]);
  });

  it("replaces all that were opened under an agreement that no longer holds, once", async () => {
    const rig = await connected({ minConnections: 4 });
    const [a, b] = take(rig, 2) as [Link, Link];
    const forgotten = new MCPClientError("session_lost", "m");
    rig.pool.release(a, forgotten);
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 4, busy: 1 });
    expect(rig.pool.stats.discarded.stale).toBe(3);
    // A late complaint of the same loss must not touch those that were opened since.
    rig.pool.release(b, forgotten);
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 4, idle: 4, created: 8 });
    expect(rig.pool.stats.discarded.stale).toBe(4);
    // It may be another server: told once, with its first connection.
    expect(rig.servers).toEqual([rig.links[0]?.link, rig.links[4]?.link]);
  });

  it("asks the idle ones before it hands them out after one broke", async () => {
    const rig = await connected({ minConnections: 3 });
    const [link] = take(rig, 1) as [Link];
    rig.pool.release(link, lost);
    expect(rig.checks).toHaveLength(2);
    expect(() => take(rig, 1)).toThrow("no link is free");
    rig.checks[0]?.resolve();
    rig.checks[1]?.reject(refused);
    await settle();
    expect(rig.pool.stats).toMatchObject({ busy: 1, idle: 0, waiting: 0 });
    expect(rig.pool.stats.discarded).toMatchObject({ failed: 1, unhealthy: 1 });
  });

  it("keeps the number of connections while one is still closing", async () => {
    const rig = await connected({ minConnections: 1, maxConnections: 1 });
    const [link] = take(rig, 1) as [Link];
    rig.pool.release(link, lost);
    expect(rig.opening).toHaveLength(0);
    await settle();
    expect(rig.opening).toHaveLength(1);
  });

  it("goes on trying to replace what ended, ever less often, and recovers", async () => {
    const rig = await connected();
    const [link] = take(rig, 1) as [Link];
    rig.pool.release(link, lost);
    await settle();
    const waitsMs: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      rig.failNext(refused);
      await settle();
      const beforeMs = rig.clock.now();
      while (rig.opening.length === 0) rig.clock.advance(50);
      waitsMs.push(rig.clock.now() - beforeMs);
    }
    expect(waitsMs).toEqual([...waitsMs].sort((a, b) => a - b));
    expect(waitsMs[0]).toBeLessThanOrEqual(100);
    expect(waitsMs.at(-1)).toBe(15_000);
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 1, idle: 1, failedToOpen: 12 });
  });
});

describe("upkeep", () => {
  it("closes what is idle for long, the least used first, down to minConnections", async () => {
    const rig = await connected({
      maxConnections: 3,
      idleTimeoutMs: 10_000,
      healthCheckIntervalMs: Number.POSITIVE_INFINITY,
    });
    const waiting = [1, 2, 3].map(() => acquireLink(rig.pool));
    await rig.openAll();
    const links = await Promise.all(waiting);
    for (const link of links) rig.pool.release(link, undefined);
    rig.clock.advance(9_000);
    const [newest] = take(rig, 1) as [Link];
    rig.pool.release(newest, undefined);
    rig.clock.advance(5_000);
    expect(rig.pool.stats).toMatchObject({ open: 1, idle: 1 });
    expect(rig.pool.stats.discarded.idle).toBe(2);
    rig.clock.advance(60_000);
    expect(take(rig, 1)).toEqual([newest]);
  });

  it("replaces what is old, the busy ones when they are given back", async () => {
    const rig = await connected({ minConnections: 2, maxLifetimeMs: 10_000 });
    const [busy] = take(rig, 1) as [Link];
    rig.clock.advance(12_500);
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 2, busy: 1 });
    expect(rig.pool.stats.discarded.lifetime).toBe(1);
    rig.pool.release(busy, undefined);
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 2, idle: 2, created: 4 });
    expect(rig.pool.stats.discarded.lifetime).toBe(2);
  });

  it("asks idle ones whether they work, one at a time", async () => {
    const rig = await connected({ minConnections: 2, healthCheckIntervalMs: 8_000 });
    rig.clock.advance(8_000);
    expect(rig.checks).toHaveLength(1);
    expect(rig.pool.stats).toMatchObject({ idle: 1, busy: 1 });
    rig.checks[0]?.resolve();
    await settle();
    expect(rig.checks).toHaveLength(2);
    rig.checks[1]?.resolve();
    await settle();
    expect(rig.checks.map(({ link }) => link)).toEqual(rig.links.map(({ link }) => link));
    expect(rig.pool.stats).toMatchObject({ idle: 2, open: 2 });
    // A busy one proves itself.
    const [used] = take(rig, 1) as [Link];
    rig.clock.advance(7_000);
    rig.pool.release(used, undefined);
    rig.clock.advance(2_000);
    expect(rig.checks).toHaveLength(3);
    expect(rig.checks[2]?.link).not.toBe(used);
  });

  it("replaces one that does not answer, and asks all others at once", async () => {
    const rig = await connected({ minConnections: 3, healthCheckIntervalMs: 8_000 });
    rig.clock.advance(8_000);
    rig.checks[0]?.reject(new MCPClientError("timeout", "m"));
    await settle();
    expect(rig.checks).toHaveLength(3);
    for (const check of rig.checks) check.resolve();
    await rig.openAll();
    expect(rig.pool.stats).toMatchObject({ open: 3, idle: 3, created: 4 });
    expect(rig.pool.stats.discarded.unhealthy).toBe(1);
  });

  it("gives one that answered to a request that came meanwhile", async () => {
    const rig = await connected({ maxConnections: 1, healthCheckIntervalMs: 8_000 });
    rig.clock.advance(8_000);
    const waiting = acquireLink(rig.pool);
    rig.checks[0]?.resolve();
    expect(await waiting).toBe(rig.links[0]?.link);
  });

  it("has one timer, and none without connections", async () => {
    const rig = await connected({ minConnections: 3 });
    expect(rig.clock.pendingTimers).toBe(1);
    await rig.pool.close();
    expect(rig.clock.pendingTimers).toBe(0);
  });
});

describe("close", () => {
  it("ends idle and busy connections, those that still open, and the waiting", async () => {
    const rig = await connected({ minConnections: 1, maxConnections: 2 });
    const [busy] = take(rig, 1) as [Link];
    const waiting = acquireLink(rig.pool);
    const closing = rig.pool.close();
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    rig.openNext();
    await closing;
    expect(rig.alive()).toBe(0);
    expect(rig.pool.stats.discarded.closed).toBe(2);
    rig.pool.release(busy, undefined);
    await expect(acquireLink(rig.pool)).rejects.toMatchObject({ code: "closed" });
    await expect(rig.pool.connect()).rejects.toMatchObject({ code: "closed" });
    await rig.pool.close();
    expect(rig.pool.stats.open).toBe(0);
  });

  it("ends a connection that is asked for its health, once", async () => {
    const rig = await connected({ healthCheckIntervalMs: 8_000 });
    rig.clock.advance(8_000);
    await rig.pool.close();
    rig.checks[0]?.reject(new MCPClientError("closed", "m"));
    await settle();
    expect(rig.pool.stats).toMatchObject({ open: 0, idle: 0 });
    expect(rig.pool.stats.discarded).toMatchObject({ closed: 1, unhealthy: 0 });
  });

  it("ends a connect under way", async () => {
    const rig = poolRig();
    const outcome = expect(rig.pool.connect()).rejects.toMatchObject({ code: "closed" });
    await settle();
    const closing = rig.pool.close();
    rig.failNext(new MCPClientError("aborted", "m"));
    await closing;
    await outcome;
  });
});
