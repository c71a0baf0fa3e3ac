import {
  keyValueStoreChaosSuite,
  keyValueStoreSuite,
  type SuiteRunner,
} from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "./memory-store.ts";
import { type Plant, plantedStore } from "./planted-store.test-support.ts";
import { cacheChaosSuite } from "./test-suite/index.ts";

keyValueStoreSuite({ describe, it, expect }, ({ clock }) => createMemoryStore({ clock }));

keyValueStoreChaosSuite({ describe, it, expect }, ({ clock, chaotic }) =>
  chaotic(createMemoryStore({ clock })),
);

cacheChaosSuite({ describe, it, expect }, ({ clock, chaotic }) =>
  chaotic(createMemoryStore({ clock })),
);

describe("createMemoryStore", () => {
  it("drops what was used longest ago", async () => {
    const store = createMemoryStore({ maxEntries: 2 });
    await store.set("a", "1", 1_000);
    await store.set("b", "2", 1_000);
    await store.getMany(["a"]);
    await store.set("c", "3", 1_000);
    expect(await store.getMany(["a", "b", "c"])).toEqual(["1", undefined, "3"]);
  });

  it("is bounded in bytes, and keeps nothing larger than that", async () => {
    const store = createMemoryStore({ maxBytes: 1_000 });
    for (let index = 0; index < 100; index++) await store.set(`k${index}`, "x".repeat(100), 1_000);
    const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
    const kept = (await store.getMany(keys)).filter((text) => text !== undefined);
    expect(kept.length).toBe(4);
    await store.set("k99", "x".repeat(1_000), 1_000);
    expect(await store.getMany(["k99"])).toEqual([undefined]);
  });

  it.each([
    [{ maxEntries: 0 }, /"maxEntries" must be a whole number/],
    [{ maxBytes: 1.5 }, /"maxBytes" must be a whole number/],
    [{ max: 1 }, /unknown option "max"/],
    [{ clock: {} }, /"clock" needs the methods now/],
  ])("refuses options: %#", (options, message) => {
    expect(() => createMemoryStore(options as never)).toThrow(message);
  });
});

describe("keyValueStoreSuite finds", () => {
  const faults: Record<string, [expected: string, plant: Plant]> = {
    "a store that forgets the order": [
      "answers many keys in their order, the unknown and the repeated too",
      (store) => ({ getMany: async (keys) => (await store.getMany(keys)).toReversed() }),
    ],
    "a store that never ends anything": [
      "a text ends with its time, and not before",
      (store) => ({ set: (key, value) => store.set(key, value, 1e9) }),
    ],
    "a look before the set": [
      "only one of many sets a key that is absent",
      (store) => ({
        async setIfAbsent(key, value, ttlMs) {
          const [found] = await store.getMany([key]);
          if (found === undefined) await store.set(key, value, ttlMs);
          return found === undefined;
        },
      }),
    ],
    "a prefix taken for a pattern": [
      "clears by prefix, which is no pattern",
      (store) => ({ clear: (prefix) => store.clear(prefix.replace("*", "")) }),
    ],
    "a deletion that takes the rest with it": [
      "forgets what it is told to, and nothing else",
      (store) => ({ delete: () => store.clear("") }),
    ],
    "answers that are mixed up": [
      "reads asked for at once do not get one another's answers",
      (store) => {
        let asked: readonly string[] = [];
        return {
          async getMany(keys) {
            asked = keys;
            await Promise.resolve();
            return store.getMany(asked);
          },
        };
      },
    ],
  };

  it.each(Object.keys(faults))("%s", async (name) => {
    const [expected, plant] = faults[name] as (typeof faults)[string];
    const tests = new Map<string, () => Promise<void>>();
    const runner: SuiteRunner = {
      describe: (_name, body) => body(),
      it: (title, body) => tests.set(title, body),
      expect,
    };
    keyValueStoreSuite(runner, ({ clock }) => plantedStore(plant, { clock }));
    await expect(tests.get(expected)?.()).rejects.toThrow();
  });
});
