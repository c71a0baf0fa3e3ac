import { type CacheLookupEvent, CHANNELS, type KeyValueStore } from "@backplane/protocol";
import { chaotic, createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it, vi } from "vitest";
import { MCPCache } from "./mcp-cache.ts";
import type { MCPCacheOptions } from "./mcp-cache-options.ts";
import { createMemoryStore } from "./memory-store.ts";
import { plantedStore } from "./planted-store.test-support.ts";

function rig(options: Partial<MCPCacheOptions> = {}) {
  const clock = createFakeClock();
  const store = createMemoryStore({ clock });
  const cache = new MCPCache({ store, clock, ...options } as MCPCacheOptions);
  return { clock, store, cache };
}

/** Two processes that share a store. */
function pair(options: { readonly leaseMs?: number } = {}) {
  const clock = createFakeClock();
  const store = plantedStore(() => ({ shared: true, close: async () => {} }));
  return {
    clock,
    store,
    here: new MCPCache({ store, ...options }),
    there: new MCPCache({ store, ...options }),
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("values", () => {
  it("are kept for their time, each a copy of its own", async () => {
    const { clock, cache } = rig({ defaultTtlMs: 1_000 });
    const value = { list: [1, { deep: true }], nothing: null };
    await cache.set("k", value);
    const first = await cache.get<typeof value>("k");
    expect(first).toEqual(value);
    first?.list.push(2);
    expect(await cache.get("k")).toEqual(value);
    await cache.set("long", "text", { ttlMs: 5_000 });
    clock.advance(1_000);
    expect(await cache.get("k")).toBeUndefined();
    expect(await cache.get("long")).toBe("text");
  });

  it("may be what is false", async () => {
    const { cache } = rig();
    for (const value of [null, false, 0, ""]) {
      await cache.set("k", value);
      expect(await cache.get("k")).toBe(value);
      expect(await cache.getOrSet<unknown>("k", () => "loaded")).toBe(value);
    }
  });

  it("that JSON cannot carry, and keys that are none, are refused", async () => {
    const { cache } = rig();
    await expect(cache.set("k", undefined)).rejects.toThrow(/undefined cannot be kept/);
    await expect(cache.set("k", () => 1)).rejects.toThrow(/function cannot be kept/);
    await expect(cache.get("")).rejects.toThrow(/key must be a non-empty string/);
    await expect(cache.getOrSet(1 as never, () => 1)).rejects.toThrow(/key must be/);
    await expect(cache.set("k", 1, { ttl: 1 } as never)).rejects.toThrow(/unknown option "ttl"/);
    await expect(cache.set("k", 1, { ttlMs: 0 })).rejects.toThrow(/"ttlMs"/);
    await expect(cache.set("k", 1, { tags: [""] })).rejects.toThrow(/"tags"/);
    await expect(cache.getOrSet("k", () => 1, { graceMs: -1 })).rejects.toThrow(/"graceMs"/);
    await expect(cache.getOrSet("k", 1 as never)).rejects.toThrow(/no function/);
  });

  it("of any key are kept apart, however long the keys are", async () => {
    const { cache } = rig();
    const keys = ["*", "a*", "__proto__", "n/x/e:a", "e:a", "a\nb", "x".repeat(5_000), "#x", "ü"];
    for (const key of keys) await cache.set(key, `of ${key}`);
    for (const key of keys) expect(await cache.get(key)).toBe(`of ${key}`);
    await cache.delete("a*", "x".repeat(5_000));
    expect(await cache.get("a*")).toBeUndefined();
    expect(await cache.get("x".repeat(5_000))).toBeUndefined();
    expect(await cache.get("*")).toBe("of *");
  });

  it("that are too large are not kept, and what was there before is gone", async () => {
    const { cache } = rig({ maxEntryLength: 200 });
    await cache.set("k", "small");
    await cache.set("k", "x".repeat(300));
    expect(await cache.get("k")).toBeUndefined();
    expect(await cache.getOrSet("big", () => "x".repeat(300))).toHaveLength(300);
  });
});

describe("getOrSet", () => {
  it("loads once for all who ask at once, and gives each what JSON makes of it", async () => {
    const { cache } = rig();
    let loads = 0;
    const load = async () => ({ at: new Date(0), loads: ++loads });
    const all = await Promise.all(Array.from({ length: 10_000 }, () => cache.getOrSet("k", load)));
    expect(loads).toBe(1);
    expect(all[0]).toEqual({ at: "1970-01-01T00:00:00.000Z", loads: 1 });
    expect(all[1]).not.toBe(all[0]);
    expect(await cache.getOrSet("k", load)).toEqual(all[0]);
    expect(cache.stats()).toMatchObject({ loads: 1, misses: 10_000, hits: 1 });
  });

  it("passes on what the loader throws, and keeps nothing of it", async () => {
    const { cache } = rig();
    const failing = () => Promise.reject(new Error("planted"));
    await expect(cache.getOrSet("k", failing)).rejects.toThrow("planted");
    expect(await cache.getOrSet("k", () => "fine")).toBe("fine");
    expect(cache.stats()).toMatchObject({ loads: 2, loadFailures: 1 });
  });

  it("gives what is stale at once, and renews it behind", async () => {
    const { clock, cache } = rig();
    const options = { ttlMs: 1_000, staleWhileRevalidateMs: 1_000 };
    let value = 1;
    const load = () => value;
    await cache.getOrSet("k", load, options);
    value = 2;
    clock.advance(1_500);
    expect(await cache.getOrSet("k", load, options)).toBe(1);
    await wait(5);
    expect(await cache.getOrSet("k", load, options)).toBe(2);
    clock.advance(2_500);
    value = 3;
    expect(await cache.getOrSet("k", load, options)).toBe(3);
    expect(cache.stats().stale).toBe(1);
  });

  it("gives what is stale when the loader fails, within its grace", async () => {
    const { clock, cache } = rig();
    const options = { ttlMs: 1_000, graceMs: 1_000 };
    await cache.getOrSet("k", () => "old", options);
    const failing = () => Promise.reject(new Error("planted"));
    clock.advance(1_500);
    expect(await cache.getOrSet("k", failing, options)).toBe("old");
    await expect(cache.getOrSet("k", failing, { ttlMs: 1_000 })).rejects.toThrow("planted");
    clock.advance(1_000);
    await expect(cache.getOrSet("k", failing, options)).rejects.toThrow("planted");
  });

  it("keeps that there is none only if it is told to", async () => {
    const { clock, cache } = rig();
    let loads = 0;
    const none = (): string | undefined => {
      loads++;
      return undefined;
    };
    await cache.getOrSet("k", none);
    await cache.getOrSet("k", none);
    expect(loads).toBe(2);
    await cache.getOrSet("k", none, { negativeTtlMs: 1_000 });
    expect(await cache.getOrSet("k", none, { negativeTtlMs: 1_000 })).toBeUndefined();
    expect(await cache.get("k")).toBeUndefined();
    expect(loads).toBe(3);
    clock.advance(1_000);
    await cache.getOrSet("k", none, { negativeTtlMs: 1_000 });
    expect(loads).toBe(4);
    expect(cache.stats().negative).toBe(2);
  });

  it("lets one who gives up go, and the others have their value", async () => {
    const { cache } = rig();
    const controller = new AbortController();
    let finish = (): void => {};
    const load = () =>
      new Promise<string>((resolve) => {
        finish = () => resolve("value");
      });
    const leader = cache.getOrSet("k", load, { signal: controller.signal });
    const waiter = cache.getOrSet("k", load);
    await wait(5);
    controller.abort(new Error("gone"));
    await expect(leader).rejects.toThrow("gone");
    finish();
    expect(await waiter).toBe("value");
    expect(cache.stats().loads).toBe(1);
  });

  it("takes a random share off each lifetime, if it is told to", async () => {
    const { clock, cache } = rig({ ttlJitter: 0.5 });
    for (let index = 0; index < 100; index++) await cache.set(`k${index}`, 1, { ttlMs: 1_000 });
    clock.advance(750);
    let kept = 0;
    for (let index = 0; index < 100; index++) if ((await cache.get(`k${index}`)) === 1) kept++;
    expect(kept).toBeGreaterThan(20);
    expect(kept).toBeLessThan(80);
  });

  it("does not keep what a change has overtaken, nor give it to who asks after the change", async () => {
    const { cache } = rig();
    const finish: ((value: string) => void)[] = [];
    const load = () => new Promise<string>((resolve) => finish.push(resolve));
    const changes = [
      () => cache.delete("k"),
      () => cache.set("k", "set"),
      () => cache.clear(),
      () => cache.invalidateTags("t"),
    ];
    for (const change of changes) {
      await cache.clear();
      finish.length = 0;
      const before = cache.getOrSet("k", load, { tags: ["t"] });
      await vi.waitFor(() => expect(finish).toHaveLength(1));
      await change();
      finish[0]?.("old");
      expect(await before).toBe("old");
      expect(await cache.getOrSet("k", () => "new")).not.toBe("old");
    }
  });
});

describe("tags", () => {
  it("make a miss of all that carry one of them, whether asked for with tags or without", async () => {
    const { cache } = rig();
    await cache.set("a", 1, { tags: ["x", "y"] });
    await cache.set("b", 2, { tags: ["y"] });
    await cache.set("c", 3, { tags: ["z", "__proto__"] });
    await cache.set("d", 4);
    await cache.invalidateTags("x", "none");
    const all = async () => [
      await cache.get("a"),
      await cache.get("b"),
      await cache.get("c"),
      await cache.get("d"),
    ];
    expect(await all()).toEqual([undefined, 2, 3, 4]);
    expect(await cache.getOrSet("b", () => 9, { tags: ["y"] })).toBe(2);
    await cache.invalidateTags("y", "__proto__");
    expect(await cache.getOrSet("b", () => 9, { tags: ["y"] })).toBe(9);
    expect(await all()).toEqual([undefined, 9, undefined, 4]);
  });

  it("hold in every process", async () => {
    const { here, there } = pair();
    await here.set("k", "old", { tags: ["t"] });
    expect(await there.get("k")).toBe("old");
    await there.invalidateTags("t");
    expect(await here.get("k")).toBeUndefined();
  });

  it("overtake a load that another process has begun", async () => {
    const { here, there } = pair();
    let finish = (_value: string): void => {};
    const loading = here.getOrSet(
      "k",
      () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        }),
      { tags: ["t"] },
    );
    await wait(5);
    await there.invalidateTags("t");
    finish("old");
    expect(await loading).toBe("old");
    expect(await there.get("k")).toBeUndefined();
    expect(await here.get("k")).toBeUndefined();
  });
});

describe("namespaces", () => {
  it("share neither keys nor tags, and are cleared alone", async () => {
    const { cache } = rig();
    const [one, two] = [cache.namespace("one"), cache.namespace("two")];
    const inner = one.namespace("inner");
    const all = [cache, one, two, inner];
    for (const [index, each] of all.entries()) await each.set("k", index, { tags: ["t"] });
    await two.invalidateTags("t");
    const values = () => Promise.all(all.map((each) => each.get("k")));
    expect(await values()).toEqual([0, 1, undefined, 3]);
    await one.clear();
    expect(await values()).toEqual([0, undefined, undefined, undefined]);
    for (const name of ["", "a/b", "a:b", "*", "x".repeat(65)]) {
      expect(() => cache.namespace(name)).toThrow(/namespace: the name/);
    }
  });
});

describe("several processes", () => {
  it("load once between them", async () => {
    const { here, there } = pair();
    let loads = 0;
    const load = async () => {
      loads++;
      await wait(30);
      return "value";
    };
    const all = await Promise.all(
      [here, there, here, there].map((each) => each.getOrSet("k", load)),
    );
    expect(all).toEqual(["value", "value", "value", "value"]);
    expect(loads).toBe(1);
  });

  it("do not wait for one that failed, nor longer than its lease for one that hangs", async () => {
    const { here, there } = pair({ leaseMs: 100 });
    const failing = here.getOrSet("k", () => Promise.reject(new Error("planted")));
    const other = there.getOrSet("k", () => "mine");
    await expect(failing).rejects.toThrow("planted");
    expect(await other).toBe("mine");
    void here.getOrSet("slow", () => new Promise(() => {}));
    await wait(5);
    expect(await there.getOrSet("slow", () => "mine")).toBe("mine");
  });

  it("load each for itself without a lease", async () => {
    const { here, there } = pair({ leaseMs: 0 });
    let loads = 0;
    const load = async () => {
      await wait(10);
      return ++loads;
    };
    await Promise.all([here, there].map((each) => each.getOrSet("k", load)));
    expect(loads).toBe(2);
  });
});

describe("a store that fails, waits or lies", () => {
  it.each([
    ["fails", { failRate: 0.3 }],
    ["loses answers", { failRate: 0.3, failWhen: "after" as const }],
    ["lies", { lieRate: 0.3 }],
    ["does all of it", { failRate: 0.2, lieRate: 0.2, delayMs: 1 }],
  ])("%s: nobody sees more of it than a load", async (_name, faults) => {
    const { subject, failures, lies } = chaotic<KeyValueStore>(createMemoryStore(), faults);
    const cache = new MCPCache({ store: subject, retryMs: 5 });
    for (let round = 0; round < 60; round++) {
      await Promise.all(
        ["a", "b", "c"].map(async (key) => {
          if (round % 7 === 0) await cache.delete(key);
          if (round % 11 === 0) await cache.invalidateTags(key);
          const value = await cache.getOrSet(key, () => `of ${key}`, { tags: [key] });
          expect(value).toBe(`of ${key}`);
          expect([undefined, `of ${key}`]).toContain(await cache.get(key));
        }),
      );
    }
    expect(failures() + lies()).toBeGreaterThan(0);
    await cache.close();
  });
});

describe("MCPCache", () => {
  it("publishes look-ups and state on channels, without a word when nobody listens", async () => {
    const { subject, chaos } = chaotic<KeyValueStore>(createMemoryStore());
    const cache = new MCPCache({ store: subject, name: "weather" });
    const lookups: CacheLookupEvent[] = [];
    const states: unknown[] = [];
    const onLookup = (event: unknown): void => void lookups.push(event as CacheLookupEvent);
    const onState = (event: unknown): void => void states.push(event);
    CHANNELS.cacheLookup.subscribe(onLookup);
    CHANNELS.cacheState.subscribe(onState);
    await cache.namespace("today").getOrSet("k", () => 1);
    await cache.namespace("today").get("k");
    chaos.failNext = 1;
    await cache.set("k", 1);
    CHANNELS.cacheLookup.unsubscribe(onLookup);
    CHANNELS.cacheState.unsubscribe(onState);
    expect(lookups).toEqual([
      { serverId: undefined, cache: "weather/today", outcome: "miss" },
      { serverId: undefined, cache: "weather/today", outcome: "hit" },
    ]);
    expect(states).toMatchObject([{ cache: "weather", degraded: true, error: expect.any(Error) }]);
    await cache.close();
  });

  it("is a health check", async () => {
    const { subject, chaos } = chaotic<KeyValueStore>(createMemoryStore());
    const cache = new MCPCache({ store: subject });
    expect(await cache.checkHealth()).toMatchObject({ status: "healthy" });
    chaos.failNext = 1;
    expect(await cache.checkHealth()).toMatchObject({
      status: "degraded",
      checks: { "cache default": { status: "degraded", message: /./ } },
    });
    expect(cache.degraded).toBe(true);
    expect(await new MCPCache().checkHealth()).toMatchObject({ status: "healthy" });
  });

  it("is closed for good, once or more", async () => {
    const { cache } = rig();
    await cache.set("k", 1);
    await cache.close();
    await cache.close();
    await expect(cache.get("k")).rejects.toThrow(/after close/);
    await new MCPCache({ backend: "redis", port: 1 }).close();
  });

  it.each([
    [{ backend: "disk" }, /"backend" must be "memory", "redis" or "tiered"/],
    [{ backend: "memory", host: "localhost" }, /with backend "memory": unknown option "host"/],
    [{ backend: "redis", localTtlMs: 1 }, /with backend "redis": unknown option "localTtlMs"/],
    [{ backend: "memory", store: createMemoryStore() }, /"backend" and "store"/],
    [{ store: {} }, /"store" needs the methods getMany/],
    [{ ttl: 300 }, /unknown option "ttl"/],
    [{ defaultTtlMs: 0 }, /"defaultTtlMs" must be a whole number/],
    [{ ttlJitter: 2 }, /"ttlJitter" must be 0 to 1/],
    [{ name: "a b" }, /"name" must be/],
    [{ logger: {} }, /"logger" needs/],
    [{ backend: "redis", client: {}, host: "h" }, /leave out host/],
  ])("refuses options: %#", (options, message) => {
    expect(() => new MCPCache(options as never)).toThrow(message);
  });
});
