import { describe, expect, it } from "vitest";
import { createMemoryEventBus } from "../memory/memory-event-bus.ts";
import { createMemoryEventLog } from "../memory/memory-event-log.ts";
import { createMemoryRateLimitStore } from "../memory/memory-rate-limit-store.ts";
import { createMemorySessionStore } from "../memory/memory-session-store.ts";
import { createProcessKeyRing } from "../memory/process-key-ring.ts";
import type { EventBus } from "../seams/event-bus.ts";
import type { EventLog } from "../seams/event-log.ts";
import type { KeyRing } from "../seams/key-ring.ts";
import type { RateLimitStore } from "../seams/rate-limit-store.ts";
import type { SessionStore } from "../seams/session-store.ts";
import { chaotic } from "./chaotic.ts";
import { eventBusSuite } from "./event-bus-suite.ts";
import { eventLogSuite } from "./event-log-suite.ts";
import { keyRingSuite } from "./key-ring-suite.ts";
import { rateLimitStoreSuite } from "./rate-limit-store-suite.ts";
import type { SuiteRunner } from "./runner.ts";
import { type SessionStoreSuiteContext, sessionStoreSuite } from "./session-store-suite.ts";

// A suite that cannot fail proves nothing: each planted fault must be found, by the test it is meant for.

describe("sessionStoreSuite finds", () => {
  const faults: Record<string, [expected: string, plant: (store: SessionStore) => SessionStore]> = {
    "a store that ignores its cap": [
      "a store full of sessions in use refuses, and loses none of them",
      (store) => ({ ...bound(store), create: (r, o) => store.create(r, o).then(() => true) }),
    ],
    "a store that forgets to touch on read": [
      "a session lives for its time-to-live and no longer",
      (store) => ({ ...bound(store), get: (id) => store.get(id, 1) }),
    ],
    "a touch that does nothing": [
      "touch prolongs those named; unknown ids are ignored",
      (store) => ({ ...bound(store), touch: async () => {} }),
    ],
    "a patch that reads and writes with a gap": [
      "concurrent changes are all kept",
      (store) => {
        const kept = new Map<string, unknown>();
        return {
          ...bound(store),
          async patch(id, patch) {
            const before = await store.get(id, 1_000);
            await Promise.resolve();
            if (before === undefined) return undefined;
            kept.set(id, { ...before, ...patch });
            return kept.get(id) as never;
          },
          get: async (id, ttlMs) => (kept.get(id) as never) ?? store.get(id, ttlMs),
        };
      },
    ],
    "an unlimited list of subscriptions": [
      "the subscription limit holds, and leaves what is there",
      (store) => ({
        ...bound(store),
        setSubscription: (id, uri, subscribed) =>
          store.setSubscription(id, uri, subscribed, Number.POSITIVE_INFINITY),
      }),
    ],
  };

  it.each(Object.keys(faults))("%s", async (name) => {
    const [expected, plant] = faults[name] as (typeof faults)[string];
    const make = (context: SessionStoreSuiteContext) => plant(createMemorySessionStore(context));
    const { failed } = await failuresOf((runner) => sessionStoreSuite(runner, make));
    expect(failed).toContain(expected);
  });

  it("a store that does not answer", async () => {
    const { ran, failed } = await failuresOf((runner) =>
      sessionStoreSuite(
        runner,
        (context) => chaotic(createMemorySessionStore(context), { failRate: 1 }).subject,
      ),
    );
    expect(ran).toBeGreaterThan(10);
    expect(failed).toHaveLength(ran);
  });
});

describe("eventLogSuite finds", () => {
  const faults: Record<string, [expected: string, plant: (log: EventLog) => EventLog]> = {
    "a log that replays what it has when it should say that some is lost": [
      "past the event bound the oldest go, and a reader who needs them is told",
      (log) => ({
        ...bound(log),
        read: async (id, after) => (await log.read(id, after)) ?? { events: [], ended: false },
      }),
    ],
    "a log that takes events after the end": [
      "an ended stream says so, can be replayed, and takes no more",
      (log) => ({ ...bound(log), append: (id, data) => log.append(id, data).catch(() => "1") }),
    ],
    "a log that never forgets": [
      "deleted streams are forgotten; unknown ones are ignored",
      (log) => ({ ...bound(log), delete: async () => {} }),
    ],
    "a log that replays from the id instead of after it": [
      "replays what follows an id, and nothing after the last",
      (log) => ({ ...bound(log), read: (id) => log.read(id, undefined) }),
    ],
  };

  it.each(Object.keys(faults))("%s", async (name) => {
    const [expected, plant] = faults[name] as (typeof faults)[string];
    const { failed } = await failuresOf((runner) =>
      eventLogSuite(runner, (context) => plant(createMemoryEventLog(context))),
    );
    expect(failed).toContain(expected);
  });
});

describe("eventBusSuite finds", () => {
  const faults: Record<string, [expected: string, make: () => EventBus]> = {
    "delivery inside publish": [
      "never calls a listener inside publish",
      () => synchronousBus({ isolates: true }),
    ],
    "a listener's failure that reaches the others": [
      "a listener that throws disturbs neither the others nor later messages",
      () => synchronousBus({ isolates: false }),
    ],
    "a removal that does nothing": [
      "a removed listener hears nothing more; removal is idempotent",
      () => {
        const bus = createMemoryEventBus();
        return {
          ...bound(bus),
          async subscribe(topic, listener) {
            await bus.subscribe(topic, listener);
            return async () => {};
          },
        };
      },
    ],
  };

  it.each(Object.keys(faults))("%s", async (name) => {
    const [expected, make] = faults[name] as (typeof faults)[string];
    const { failed } = await failuresOf((runner) =>
      eventBusSuite(runner, () => {
        const bus = make();
        return [bus, bus];
      }),
    );
    expect(failed).toContain(expected);
  });
});

describe("rateLimitStoreSuite finds", () => {
  const faults: Record<
    string,
    [expected: string, plant: (store: RateLimitStore) => RateLimitStore]
  > = {
    "a store that takes from one bucket when the other refuses": [
      "takes from all buckets or from none",
      (store) => ({
        ...bound(store),
        async take(buckets) {
          const decisions = [];
          for (const bucket of buckets) decisions.push(await store.take([bucket]));
          return decisions.find(({ allowed }) => !allowed) ?? { allowed: true };
        },
      }),
    ],
    "keys that run together": [
      "buckets are apart, whatever their keys",
      (store) => ({
        ...bound(store),
        take: (buckets) =>
          store.take(buckets.map((each) => ({ ...each, key: each.key.toLowerCase() }))),
      }),
    ],
    "refusals that count": [
      "refusals cost nothing",
      (store) => ({
        ...bound(store),
        async take(buckets) {
          const decision = await store.take(buckets);
          if (!decision.allowed) await store.take(buckets.map((each) => ({ ...each, burst: 1e9 })));
          return decision;
        },
      }),
    ],
    "a cost that is ignored": [
      "calls may cost more or less than one",
      (store) => ({
        ...bound(store),
        take: (buckets) => store.take(buckets.map((each) => ({ ...each, cost: 1 }))),
      }),
    ],
  };

  it.each(Object.keys(faults))("%s", async (name) => {
    const [expected, plant] = faults[name] as (typeof faults)[string];
    const { failed } = await failuresOf((runner) =>
      rateLimitStoreSuite(runner, ({ clock }) => plant(createMemoryRateLimitStore({ clock }))),
    );
    expect(failed).toContain(expected);
  });
});

describe("keyRingSuite finds", () => {
  it("a ring that opens with any id", async () => {
    const ring = createProcessKeyRing();
    const planted: KeyRing = { current: () => ring.current(), find: () => ring.current() };
    const { failed } = await failuresOf((runner) => keyRingSuite(runner, () => planted));
    expect(failed).toEqual(["does not know other ids, those of object properties included"]);
  });
});

/** The methods of a seam object as own properties, so that some can be replaced. */
function bound<T extends object>(target: T): T {
  const methods: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(target))) {
    const value: unknown = Reflect.get(target, name);
    if (typeof value === "function" && name !== "constructor") methods[name] = value.bind(target);
  }
  return methods as T;
}

function synchronousBus({ isolates }: { isolates: boolean }): EventBus {
  const listeners = new Map<string, Set<(message: string) => void>>();
  return {
    async publish(topic, message) {
      for (const listener of listeners.get(topic) ?? []) {
        try {
          listener(message);
        } catch (error) {
          if (!isolates) throw error;
        }
      }
    },
    async subscribe(topic, listener) {
      const own = (message: string): void => listener(message);
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(own));
      return async () => void set.delete(own);
    },
    async close() {
      listeners.clear();
    },
  };
}

/** Runs a suite outside of the runner and returns the names of the tests that failed. */
async function failuresOf(
  register: (runner: SuiteRunner) => void,
): Promise<{ readonly ran: number; readonly failed: readonly string[] }> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  register({
    describe: (_name, body) => body(),
    it: (name, body) => tests.push({ name, body }),
    expect,
  });
  const failed: string[] = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch {
      failed.push(name);
    }
  }
  return { ran: tests.length, failed };
}
