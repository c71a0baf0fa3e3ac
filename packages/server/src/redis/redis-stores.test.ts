// @module-tag redis
import { eventLogSuite, sessionStoreSuite } from "@backplane/protocol/test-suite";
import { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import { createRedisEventLog } from "./redis-event-log.ts";
import { createRedisSessionStore } from "./redis-session-store.ts";

const client = new Redis(process.env["REDIS_URL"] ?? "");
const used = new Set<string>();

const freshPrefix = (): string => {
  const prefix = `{test-${crypto.randomUUID()}}:`;
  used.add(prefix);
  return prefix;
};

afterAll(async () => {
  for (const prefix of used) {
    const keys = await client.keys(`${prefix.replace(/[{}]/g, "?")}*`);
    if (keys.length > 0) await client.del(keys);
  }
  await client.quit();
});

const runner = { describe, it, expect };
const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

sessionStoreSuite(
  runner,
  ({ maxSessions }) => createRedisSessionStore({ client, prefix: freshPrefix(), maxSessions }),
  { passTime },
);

eventLogSuite(
  runner,
  ({ clock: _, ...bounds }) => createRedisEventLog({ client, prefix: freshPrefix(), ...bounds }),
  { passTime },
);

const record = {
  id: "a",
  principalKey: "alice",
  revision: "2025-11-25" as const,
  clientInfo: undefined,
  clientCapabilities: {},
  initialized: false,
  logLevel: undefined,
  subscriptions: [],
  createdAtMs: 0,
};

describe("createRedisSessionStore", () => {
  const limits = { ttlMs: 60_000, evictIdleMs: 60_000 };

  it("is full by the bytes of all records too", async () => {
    const store = createRedisSessionStore({ client, prefix: freshPrefix(), maxTotalBytes: 1_000 });
    const large = { ...record, principalKey: "p".repeat(600) };
    expect(await store.create(large, limits)).toBe(true);
    expect(await store.create({ ...large, id: "b" }, limits)).toBe(false);
    expect(await store.setSubscription("a", `file:///${"u".repeat(400)}`, true, 9)).toBe("full");
    await store.delete("a");
    expect(await store.create({ ...large, id: "b" }, limits)).toBe(true);
  });

  it.each([
    ...["null", "[]", "no JSON", '{"id":"a"}'],
    JSON.stringify({ ...record, revision: "1999-01-01" }),
    JSON.stringify({ ...record, clientCapabilities: null }),
    JSON.stringify({ ...record, subscriptions: [{}] }),
  ])("takes %s for no session", async (text) => {
    const prefix = freshPrefix();
    const store = createRedisSessionStore({ client, prefix });
    await store.create(record, limits);
    await client.set(`${prefix}record:a`, text);
    expect(await store.get("a", 60_000)).toBe(undefined);
    expect(await store.setSubscription("a", "file:///a", true, 9)).toBe(undefined);
  });

  it("gives up on a record that a stranger made unreadable", async () => {
    const prefix = freshPrefix();
    const store = createRedisSessionStore({ client, prefix });
    await store.create(record, limits);
    const [head, tail] = JSON.stringify({ ...record, principalKey: "|" }).split("|") as [
      string,
      string,
    ];
    // A byte that is no UTF-8 is read as another text than the one that is there.
    const bytes = Buffer.concat([Buffer.from(head), Buffer.of(0xff), Buffer.from(tail)]);
    await client.set(`${prefix}record:a`, bytes);
    await expect(store.patch("a", { initialized: true })).rejects.toThrow("in 100 attempts");
  });

  it("serves what another replica keeps, and forgets what the server forgot", async () => {
    const prefix = freshPrefix();
    const [one, other] = [0, 1].map(() => createRedisSessionStore({ client, prefix }));
    await one?.create(record, limits);
    expect(await other?.get("a", 60_000)).toEqual(record);
    const changes = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? one : other)?.setSubscription("a", `file:///${index}`, true, 100),
    );
    await Promise.all(changes);
    expect((await one?.get("a", 60_000))?.subscriptions).toHaveLength(20);
    await other?.delete("a");
    expect(await one?.get("a", 60_000)).toBe(undefined);
  });
});

describe("createRedisEventLog", () => {
  it("forgets whole streams past the bounds of all, ended ones first", async () => {
    const log = createRedisEventLog({ client, prefix: freshPrefix(), maxStreams: 2 });
    await log.append("running", "1");
    await log.append("ended", "1");
    await log.end("ended");
    await log.append("new", "1");
    expect(await log.read("ended", undefined)).toBe(undefined);
    expect((await log.read("running", undefined))?.events).toHaveLength(1);
    await log.append("newer", "1");
    expect(await log.read("running", undefined)).toBe(undefined);
    expect((await log.read("newer", undefined))?.events).toHaveLength(1);
  });

  it("bounds the bytes of all streams", async () => {
    const log = createRedisEventLog({ client, prefix: freshPrefix(), maxTotalBytes: 100 });
    await log.append("a", "x".repeat(60));
    await log.append("b", "x".repeat(60));
    expect(await log.read("a", undefined)).toBe(undefined);
    expect((await log.read("b", undefined))?.events).toHaveLength(1);
  });
});

describe.each([
  ["createRedisSessionStore", createRedisSessionStore],
  ["createRedisEventLog", createRedisEventLog],
])("%s", (_name, create) => {
  it.each([
    [{}, /"client" is required/],
    [{ client: {} }, /has no eval/],
    [{ client, prefix: "x" }, /in braces/],
    [{ client, ttl: 1 }, /unknown option "ttl"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => create(options as never)).toThrow(message);
  });

  it("leaves the client open", async () => {
    await create({ client }).close();
    expect(await client.ping()).toBe("PONG");
  });
});
