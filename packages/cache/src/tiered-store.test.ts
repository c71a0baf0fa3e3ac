import { createMemoryEventBus, type EventBus, type KeyValueStore } from "@backplane/protocol";
import {
  ChaosError,
  chaotic,
  createFakeClock,
  keyValueStoreChaosSuite,
  keyValueStoreSuite,
} from "@backplane/protocol/test-suite";
import { describe, expect, it, vi } from "vitest";
import { createMemoryStore } from "./memory-store.ts";
import { cacheChaosSuite } from "./test-suite/index.ts";
import { createTieredStore } from "./tiered-store.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const read = async (store: KeyValueStore, key: string): Promise<string | undefined> =>
  (await store.getMany([key]))[0];

keyValueStoreSuite({ describe, it, expect }, async (context) => {
  const store = createTieredStore({
    local: createMemoryStore(context),
    shared: createMemoryStore(context),
    bus: createMemoryEventBus(),
    clock: context.clock,
  });
  await turn();
  return store;
});

describe("a tier that is late and fails", () => {
  keyValueStoreChaosSuite({ describe, it, expect }, async ({ clock, chaotic }) => {
    const store = createTieredStore({
      local: createMemoryStore({ clock }),
      shared: createMemoryStore({ clock }),
      bus: createMemoryEventBus(),
      clock,
    });
    await turn();
    return chaotic(store);
  });
});

describe("a tier whose parts are late and fail", () => {
  keyValueStoreChaosSuite({ describe, it, expect }, async ({ clock, chaotic }) => {
    const store = createTieredStore({
      local: chaotic(createMemoryStore({ clock })),
      shared: chaotic(createMemoryStore({ clock })),
      bus: chaotic<EventBus>(createMemoryEventBus()),
      clock,
    });
    await turn();
    return store;
  });
});

describe("a cache over a tier", () => {
  cacheChaosSuite({ describe, it, expect }, async ({ clock, chaotic }) => {
    const [local, shared] = [createMemoryStore({ clock }), createMemoryStore({ clock })];
    const store = createTieredStore({ local, shared, bus: createMemoryEventBus(), clock });
    await turn();
    return chaotic(store);
  });
});

describe("a cache over a tier whose shared store is in trouble", () => {
  cacheChaosSuite({ describe, it, expect }, async ({ clock, chaotic }) => {
    const [local, shared] = [createMemoryStore({ clock }), chaotic(createMemoryStore({ clock }))];
    const store = createTieredStore({ local, shared, bus: createMemoryEventBus(), clock });
    await turn();
    return store;
  });
});

/** As a tier writes it into the shared store. */
const dated = (text: string): string => `${Date.now() + 1e9};${text}`;

/** Two processes' tiers over one shared store. */
async function pair(around: (store: KeyValueStore) => KeyValueStore = (store) => store) {
  const clock = createFakeClock();
  const shared = around(createMemoryStore({ clock }));
  const bus = createMemoryEventBus();
  const tiers = [0, 1].map(() => {
    const local = createMemoryStore({ clock });
    return createTieredStore({ local, shared, bus, clock, localTtlMs: 1_000 });
  }) as [KeyValueStore, KeyValueStore];
  await turn();
  return { clock, shared, bus, here: tiers[0], there: tiers[1] };
}

describe("createTieredStore", () => {
  it("asks the shared store once", async () => {
    const { shared, here, there } = await pair();
    await here.set("a", "1", 60_000);
    const asked = vi.spyOn(shared, "getMany");
    expect(await read(there, "a")).toBe("1");
    expect(await read(there, "a")).toBe("1");
    expect(await there.getMany(["a", "none"])).toEqual(["1", undefined]);
    expect(asked.mock.calls).toEqual([[["a"]], [["none"]]]);
  });

  it("forgets what another process changes, deletes or clears", async () => {
    const { here, there } = await pair();
    for (const key of ["a", "b", "c/1"]) {
      await here.set(key, "old", 60_000);
      await read(there, key);
    }
    await here.set("a", "new", 60_000);
    await here.delete(["b"]);
    await here.clear("c/");
    await turn();
    expect(await there.getMany(["a", "b", "c/1"])).toEqual(["new", undefined, undefined]);
  });

  it("forgets in every process what may have changed although the answer was lost", async () => {
    const { subject, chaos } = chaotic(createMemoryStore(), { failWhen: "after" });
    const { here, there } = await pair(() => subject);
    const changes: Record<string, [change: () => Promise<void>, after: string | undefined]> = {
      set: [() => here.set("a", "new", 60_000), "new"],
      delete: [() => here.delete(["a"]), undefined],
      clear: [() => here.clear(""), undefined],
    };
    for (const [change, after] of Object.values(changes)) {
      await here.set("a", "old", 60_000);
      await turn();
      expect([await read(here, "a"), await read(there, "a")]).toEqual(["old", "old"]);
      chaos.failNext = 1;
      await expect(change()).rejects.toThrow(ChaosError);
      await turn();
      expect([await read(here, "a"), await read(there, "a")]).toEqual([after, after]);
    }
  });

  it("keeps nothing in front longer than it was told, in case a message was lost", async () => {
    const { clock, shared, here } = await pair();
    await here.set("a", "old", 60_000);
    await shared.set("a", dated("changed behind its back"), 60_000);
    expect(await read(here, "a")).toBe("old");
    clock.advance(1_001);
    expect(await read(here, "a")).toBe("changed behind its back");
  });

  it("does not keep what was read before a change and arrives after it", async () => {
    const { shared, here, there } = await pair();
    await shared.set("a", dated("old"), 60_000);
    const slow = vi.spyOn(shared, "getMany").mockImplementationOnce(async () => {
      await here.set("a", "new", 60_000);
      await turn();
      return [dated("old")];
    });
    expect(await read(there, "a")).toBe("old");
    slow.mockRestore();
    expect(await read(there, "a")).toBe("new");
  });

  it("keeps nothing in front until it hears the others, and forgets all after a gap", async () => {
    const clock = createFakeClock();
    const shared = createMemoryStore({ clock });
    const { subject, chaos } = chaotic<EventBus>(createMemoryEventBus(), { failNext: 1 });
    let gap = (): void => {};
    const bus: EventBus = {
      publish: (topic, message) => subject.publish(topic, message),
      subscribe: (topic, listener) => subject.subscribe(topic, listener),
      onGap(listener) {
        gap = listener;
        return () => {};
      },
      close: () => subject.close(),
    };
    const store = createTieredStore({ local: createMemoryStore({ clock }), shared, bus, clock });
    await turn();
    expect(chaos.failNext).toBe(0);
    await store.set("a", "1", 60_000);
    await shared.set("a", dated("2"), 60_000);
    expect(await read(store, "a")).toBe("2");
    clock.advance(1_000);
    await turn();
    await read(store, "a");
    await shared.set("a", dated("3"), 60_000);
    expect(await read(store, "a")).toBe("2");
    gap();
    await turn();
    expect(await read(store, "a")).toBe("3");
  });

  it("asks a store in front no more that failed to forget, and ends no process", async () => {
    const { clock, shared, bus, here } = await pair();
    const front = createMemoryStore({ clock });
    const away = { fails: false };
    const deleteAll = front.delete.bind(front);
    const local = Object.assign(front, {
      delete: (keys: readonly string[]) =>
        away.fails ? Promise.reject(new Error("in front")) : deleteAll(keys),
    });
    const there = createTieredStore({ local, shared, bus, clock });
    await turn();
    await here.set("a", "1", 60_000);
    expect(await read(there, "a")).toBe("1");
    away.fails = true;
    await here.set("a", "2", 60_000);
    await turn();
    expect(await read(there, "a")).toBe("2");
  });

  it("gives out nothing that no tier has written", async () => {
    const { shared, here } = await pair();
    for (const foreign of ["", "text", ";text", "soon;text", "1e400;text", `${"9".repeat(17)};t`]) {
      await shared.set("a", foreign, 60_000);
      expect(await read(here, "a")).toBeUndefined();
    }
  });

  it("is not confused by what others say on its topic", async () => {
    const { bus, here } = await pair();
    await here.set("a", "1", 60_000);
    for (const text of ["", "[]", "{}", '{"from":1}', '{"from":"x","keys":[1]}', '{"from":"x"}']) {
      await bus.publish("cache", text);
    }
    await turn();
    expect(await read(here, "a")).toBe("1");
  });

  const parts = {
    local: createMemoryStore(),
    shared: createMemoryStore(),
    bus: createMemoryEventBus(),
  };
  it.each([
    [{ ...parts, local: undefined }, /"local" is required/],
    [{ ...parts, shared: {} }, /"shared" needs the methods/],
    [{ ...parts, bus: undefined }, /"bus" is required/],
    [{ ...parts, topic: "" }, /"topic" must be/],
    [{ ...parts, localTtlMs: 0 }, /"localTtlMs"/],
    [{ ...parts, ttl: 1 }, /unknown option "ttl"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => createTieredStore(options as never)).toThrow(message);
  });
});
