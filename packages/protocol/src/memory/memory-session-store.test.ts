import { describe, expect, it } from "vitest";
import type { SessionRecord } from "../seams/session-store.ts";
import { createFakeClock } from "../test-suite/fake-clock.ts";
import { sessionStoreSuite } from "../test-suite/session-store-suite.ts";
import {
  createMemorySessionStore,
  type MemorySessionStoreOptions,
} from "./memory-session-store.ts";

sessionStoreSuite({ describe, it, expect }, createMemorySessionStore);

const LIMITS = { ttlMs: 1_000, evictIdleMs: 500 };

function record(id: string, over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id,
    principalKey: "",
    revision: "2025-11-25",
    clientInfo: { name: "n", version: "1" },
    clientCapabilities: {},
    initialized: true,
    logLevel: undefined,
    subscriptions: [],
    createdAtMs: 0,
    ...over,
  };
}

describe("createMemorySessionStore", () => {
  it.each([0, -1, Number.NaN])("rejects maxSessions %s by name", (maxSessions) => {
    const make = () => createMemorySessionStore({ maxSessions });
    expect(make).toThrow(TypeError);
    expect(make).toThrow('"maxSessions"');
  });

  it("rejects an option that it does not have", () => {
    const options = { maxSession: 5 } as MemorySessionStoreOptions;
    expect(() => createMemorySessionStore(options)).toThrow('unknown option "maxSession"');
  });

  it("bounds all records together, however few they are", async () => {
    const clock = createFakeClock();
    const store = createMemorySessionStore({ maxTotalChars: 2_000, clock });
    const bulky = { clientInfo: { name: "x".repeat(1_200), version: "1" } };
    expect(await store.create(record("a", bulky), LIMITS)).toBe(true);
    expect(await store.create(record("b", bulky), LIMITS)).toBe(false);
    expect(await store.setSubscription("a", "y".repeat(900), true, 10)).toBe("full");
    clock.advance(600);
    expect(await store.create(record("b", bulky), LIMITS)).toBe(true);
    expect(await store.get("a", 1_000)).toBe(undefined);
    const huge = { clientInfo: { name: "x".repeat(3_000), version: "1" } };
    clock.advance(600);
    expect(await store.create(record("c", huge), LIMITS)).toBe(false);
    expect(await store.count()).toBe(1);
  });

  it("releases expired sessions in later use, without a timer of its own", async () => {
    const clock = createFakeClock();
    const store = createMemorySessionStore({ maxSessions: 3, clock });
    for (const id of ["a", "b", "c"]) await store.create(record(id), LIMITS);
    expect(clock.pendingTimers).toBe(0);
    clock.advance(2_000);
    await store.touch([], 1_000);
    const never = { ttlMs: 1_000, evictIdleMs: Number.POSITIVE_INFINITY };
    for (const id of ["d", "e", "f"]) expect(await store.create(record(id), never)).toBe(true);
  });

  it("finds an expired session behind one that lives longer", async () => {
    const clock = createFakeClock();
    const store = createMemorySessionStore({ maxSessions: 2, clock });
    const never = Number.POSITIVE_INFINITY;
    await store.create(record("long"), { ttlMs: 60_000, evictIdleMs: never });
    await store.create(record("short"), { ttlMs: 1_000, evictIdleMs: never });
    clock.advance(2_000);
    expect(await store.create(record("new"), { ttlMs: 1_000, evictIdleMs: never })).toBe(true);
    expect((await store.get("long", 60_000))?.id).toBe("long");
  });

  it("holds a plateau when clients never end their sessions", async () => {
    const clock = createFakeClock();
    const store = createMemorySessionStore({ maxSessions: 50, clock });
    for (let n = 0; n < 1_000; n++) {
      clock.advance(15);
      expect(await store.create(record(`s${n}`), LIMITS)).toBe(true);
    }
    expect(await store.count()).toBe(50);
  });

  it("keeps a record small, however much it is to remember", async () => {
    const store = createMemorySessionStore();
    await store.create(record("a"), { ttlMs: 60_000, evictIdleMs: 60_000 });
    const subscribe = (n: number) => store.setSubscription("a", `${n}`.repeat(8_000), true, 1_000);
    const outcomes: unknown[] = [];
    for (let n = 10; n < 60; n++) outcomes.push((await subscribe(n)) === "full");
    expect(outcomes.indexOf(true)).toBeGreaterThan(10);
    expect(outcomes.indexOf(true)).toBeLessThan(20);
    expect(await store.setSubscription("a", "short", true, 1_000)).not.toBe("full");
  });
});
