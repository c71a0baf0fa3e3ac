import { keyValueStoreChaosSuite, type SuiteRunner } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../entry.ts";
import { createMemoryStore } from "../memory-store.ts";
import { type Plant, plantedStore } from "../planted-store.test-support.ts";
import { cacheChaosSuite } from "./cache-chaos-suite.ts";

// A suite that cannot fail proves nothing: each planted fault must be found, by the test it is meant for.

/** Runs one test of a suite, named with the groups that it is in. */
async function runOnly(name: string, register: (runner: SuiteRunner) => void): Promise<void> {
  const groups: string[] = [];
  const tests = new Map<string, () => Promise<void>>();
  register({
    describe: (group, body) => {
      groups.push(group);
      body();
      groups.pop();
    },
    it: (title, body) => tests.set([...groups, title].join(" > "), body),
    expect,
  });
  const test = tests.get(name);
  if (test === undefined) throw new Error(`no such test among ${[...tests.keys()].join("\n")}`);
  await test();
}

describe("keyValueStoreChaosSuite finds", () => {
  const OUTCOME = "rejects, harms nothing else, and can be asked for again";
  const faults: Record<string, [test: string, plant: Plant]> = {
    "a store that mixes up the answers to those who ask while it takes its time": [
      "a store that takes its time > KeyValueStore > reads asked for at once do not get one another's answers",
      (store) => {
        let asked: readonly string[] = [];
        return {
          async getMany(keys) {
            asked = keys;
            await new Promise((resolve) => setTimeout(resolve, 1));
            return store.getMany(asked);
          },
        };
      },
    ],
    "a store that refuses to forget again what it has forgotten": [
      `an operation that fails > delete, after it acts: ${OUTCOME}`,
      (store) => ({
        async delete(keys) {
          const texts = await store.getMany(keys);
          if (texts.includes(undefined)) throw new Error("no such key");
          await store.delete(keys);
        },
      }),
    ],
    "a store in which a text that is written twice is there twice": [
      "a store that acts, and loses its answer > KeyValueStore > keeps a text, and replaces it",
      (store) => {
        let before = "";
        return {
          async set(key, value, ttlMs) {
            await store.set(key, value === before ? value + value : value, ttlMs);
            before = value;
          },
        };
      },
    ],
    "a store that is emptied by a failure": [
      `an operation that fails > set, before it acts: ${OUTCOME}`,
      (store) => {
        let sets = 0;
        return {
          async set(key, value, ttlMs) {
            if (++sets > 4) await store.clear("");
            await store.set(key, value, ttlMs);
          },
        };
      },
    ],
    "a prefix that takes more with it, the second time": [
      `an operation that fails > clear, after it acts: ${OUTCOME}`,
      (store) => {
        let clears = 0;
        return { clear: (prefix) => store.clear(++clears > 1 ? "" : prefix) };
      },
    ],
  };

  it.each(Object.entries(faults))("%s", async (_name, [test, plant]) => {
    const run = (how: Plant): Promise<void> =>
      runOnly(test, (runner) =>
        keyValueStoreChaosSuite(runner, ({ chaotic }) => chaotic(plantedStore(how))),
      );
    await run(() => ({}));
    await expect(run(plant)).rejects.toThrow();
  });
});

describe("cacheChaosSuite finds", () => {
  const PRINCIPALS = "the interceptor gives each principal what is his, over a store that";
  const FAILS = "a cache over a store that fails";
  const SHOWS = "it acts: shows no more of it than a load, and nothing that is old";
  const LIES = "a cache over a store that lies";
  const MISSES = "misses, and gives nothing of another key or another form";

  /** What belongs to another key, made to look as if it belonged to this one. */
  const forging: Plant = (store) => {
    let last: { key: string; text: string } | undefined;
    return {
      async set(key, value, ttlMs) {
        if (last !== undefined && key.includes("e:")) {
          const entry = decodeEntry(last.key, last.text);
          if (entry !== undefined) await store.set(key, encodeEntry(key, entry), ttlMs);
        } else await store.set(key, value, ttlMs);
        if (key.includes("e:")) last = { key, text: value };
      },
    };
  };
  /** Writes that come to pass after their answer. */
  const lagging: Plant = (store) => ({
    set: async (key, value, ttlMs) => void setTimeout(() => store.set(key, value, ttlMs), 5),
  });
  const unforgetting: Plant = () => ({ delete: async () => {}, clear: async () => {} });

  const faults: [fault: string, test: string, plant: Plant][] = [
    ["a store that forgets nothing", `${FAILS} > before ${SHOWS}`, unforgetting],
    ["a store that forgets nothing", `${FAILS} > after ${SHOWS}`, unforgetting],
    ["a store that acts after its answer", `${FAILS} > after ${SHOWS}`, lagging],
    ["a store that forges", `${LIES} > (forgets): ${MISSES}`, forging],
    ["a store that forges", `${LIES} > (denies): ${MISSES}`, forging],
    ["a store that forges", `${PRINCIPALS} > takes its time`, forging],
    ["a store that forges", `${PRINCIPALS} > fails before it acts`, forging],
    ["a store that forges", `${PRINCIPALS} > lies (claims)`, forging],
  ];

  it.each(faults)("%s: %s", async (_fault, test, plant) => {
    await expect(
      runOnly(test, (runner) =>
        cacheChaosSuite(runner, ({ chaotic }) => chaotic(plantedStore(plant))),
      ),
    ).rejects.toThrow();
  });

  it("a cache that waits for as long as its store takes", async () => {
    const test =
      "a cache over a store that takes its time > waits for it no longer than it was told";
    const register = (runner: SuiteRunner): void =>
      cacheChaosSuite(runner, ({ chaotic }) => chaotic(createMemoryStore()), {
        cache: { timeoutMs: 60_000 },
      });
    await expect(runOnly(test, register)).rejects.toThrow();
  });
});
