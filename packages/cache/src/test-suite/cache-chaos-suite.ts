import type { KeyValueStore } from "@backplane/protocol";
import {
  type ChaosOptions,
  type ChaoticStore,
  chaoticStore,
  createFakeClock,
  eventually,
  STORE_LIES,
  type SuiteContext,
  type SuiteRunner,
  seededRandom,
  using,
} from "@backplane/protocol/test-suite";
import type { Cache } from "../cache-space.ts";
import { MCPCache } from "../mcp-cache.ts";
import type { SharedCacheOptions } from "../mcp-cache-options.ts";
import { principalAsker } from "./principal-asker.ts";

/** What {@link cacheChaosSuite} hands to the function that makes the store. */
export interface CacheChaosContext extends SuiteContext {
  /** The double for what fails and lies: for the store itself, or for the shared one of tiers. */
  readonly chaotic: (store: KeyValueStore) => KeyValueStore;
}

/** The cache over the store, and the double below it. */
interface Rig {
  readonly cache: MCPCache;
  readonly double: ChaoticStore;
  close(): Promise<void>;
}

/** Short, so that in little time the store is away and back often. */
const SHORT: SharedCacheOptions = { timeoutMs: 50, retryMs: 10, leaseMs: 50 };
/** Beyond any deadline, and what a crowded machine adds to it. */
const TOO_LATE_MS = 3_000;
/** Beyond the deadline, and soon enough to come to pass within a test. */
const LATE_MS = 500;
const LONG = { ttlMs: 60_000 };
const VALUES: readonly unknown[] = [{ list: [1, { deep: "ü" }] }, 12_345, "text", null, false];

/** Everything that a store may do: a line each, and how to have it done. */
const FAULTS: Readonly<Record<string, (double: ChaoticStore) => void>> = {
  "takes its time": ({ chaos }) => Object.assign(chaos, { delayMs: 1 }),
  "fails before it acts": ({ chaos }) => Object.assign(chaos, failing("before")),
  "fails after it has acted": ({ chaos }) => Object.assign(chaos, failing("after")),
  ...Object.fromEntries(
    STORE_LIES.map((lie) => [
      `lies (${lie})`,
      (double: ChaoticStore) => {
        double.lie = lie;
      },
    ]),
  ),
};

/**
 * What `MCPCache` and `caching` promise over a store that is late, fails and lies: nobody waits longer than he was
 * told, nobody sees more of it than a load, what was forgotten does not come back, and no one is given what belongs
 * to another key, another namespace or another principal. Not promised, as it cannot be seen: that a store which
 * claims to have forgotten something has.
 *
 * @param options.cache deadlines of the cache, for a store that is slow when it is well. Default 50 ms and less.
 */
export function cacheChaosSuite(
  runner: SuiteRunner,
  makeStore: (context: CacheChaosContext) => KeyValueStore | Promise<KeyValueStore>,
  options: { readonly cache?: SharedCacheOptions } = {},
): void {
  const { describe, it, expect } = runner;
  const test = (name: string, body: (rig: Rig) => Promise<void>): unknown =>
    it(name, () => using(() => makeRig(makeStore, { ...SHORT, ...options.cache }), body));

  const expectRecovery = async ({ cache, double }: Rig): Promise<void> => {
    Object.assign(double.chaos, { delayMs: 0, failRate: 0 } satisfies ChaosOptions);
    double.lie = undefined;
    expect(await eventually(() => !cache.degraded)).toBe(true);
    await cache.set("after all", 1, LONG);
    expect(await cache.get("after all")).toBe(1);
  };

  describe("a cache over a store that takes its time", () => {
    test("waits for it no longer than it was told", async (rig) => {
      const { cache, double } = rig;
      double.chaos.delayMs = TOO_LATE_MS;
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
      const loads = keys.map((key) => cache.getOrSet(key, () => `of ${key}`));
      const cleared = cache.namespace("inner").clear();
      const tooLate = pause(TOO_LATE_MS).then(() => "too late");
      expect(await Promise.race([Promise.all(loads), tooLate])).toEqual(
        keys.map((key) => `of ${key}`),
      );
      expect(await Promise.race([cleared, tooLate])).toBe(undefined);
      expect(cache.degraded).toBe(true);
      await expectRecovery(rig);
    });

    test("is not given back what was forgotten when a write comes to pass late", async (rig) => {
      const { cache, double } = rig;
      await cache.set("k", "before", LONG);
      double.chaos.delayMs = LATE_MS;
      await cache.set("k", "late", LONG);
      await expectRecovery(rig);
      await cache.delete("k");
      const endMs = performance.now() + 2 * LATE_MS;
      while (performance.now() < endMs) {
        expect(await cache.get("k")).toBe(undefined);
        await pause(5);
      }
    });
  });

  describe("a cache over a store that fails", () => {
    for (const failWhen of ["before", "after"] as const) {
      test(`${failWhen} it acts: shows no more of it than a load, and nothing that is old`, async (rig) => {
        const { cache, double } = rig;
        double.chaos.failWhen = failWhen;
        const clearUp = changeWeather(double);
        const histories = ["a", "b", "c"].map((name, seed) =>
          changeAndLook(cache.namespace(name), seededRandom(seed), ({ seen, loaded, current }) => {
            if (seen !== undefined) expect(seen).toBe(current);
            expect(loaded).toBe(current);
          }),
        );
        await Promise.all(histories).finally(clearUp);
        expect(double.failures() > 0).toBe(true);
        await expectRecovery(rig);
      });
    }
  });

  describe("a cache over a store that lies", () => {
    for (const lie of STORE_LIES) {
      test(`(${lie}): misses, and gives nothing of another key or another form`, async (rig) => {
        const { cache, double } = rig;
        const spaces: readonly Cache[] = [cache, cache.namespace("inner")];
        const kept = spaces.flatMap((space, at) =>
          [[], ["t"]].flatMap((tags) =>
            VALUES.flatMap((value, index) => [
              { space, key: `${index} ${tags}`, value, options: { ...LONG, tags } },
              {
                space,
                key: `own ${index} ${tags}`,
                value: [at, value],
                options: { ...LONG, tags },
              },
            ]),
          ),
        );
        for (const { space, key, value, options } of kept) await space.set(key, value, options);
        double.lie = lie;
        for (let round = 0; round < 4; round++) {
          for (const { space, key, value, options } of kept) {
            const seen = await space.get(key);
            if (seen !== undefined) expect(seen).toEqual(value);
            expect(await space.getOrSet(key, () => value, options)).toEqual(value);
            if (round === 2) await space.set(key, value, options);
          }
          await cache.invalidateTags("t");
        }
        expect(double.lies() > 0).toBe(true);
        await expectRecovery(rig);
      });
    }
  });

  describe("the interceptor gives each principal what is his, over a store that", () => {
    for (const [name, afflict] of Object.entries(FAULTS)) {
      test(name, async (rig) => {
        const ask = principalAsker(rig.cache, seededRandom(7));
        for (let round = 0; round < 12; round++) {
          // Kept while all is well, to be given to the wrong one afterwards.
          if (round === 3) afflict(rig.double);
          for (const { result, made } of await ask(10)) expect(result).toEqual(made);
        }
        await expectRecovery(rig);
      });
    }
  });
}

async function makeRig(
  makeStore: (context: CacheChaosContext) => KeyValueStore | Promise<KeyValueStore>,
  options: SharedCacheOptions,
): Promise<Rig> {
  let double: ChaoticStore | undefined;
  const store = await makeStore({
    clock: createFakeClock(Date.now()),
    chaotic: (given) => {
      double = chaoticStore(given);
      return double.subject;
    },
  });
  if (double === undefined)
    throw new Error("cacheChaosSuite: the store was made without its double");
  const cache = new MCPCache({ store, ...options });
  return { cache, double, close: () => cache.close() };
}

interface Look {
  readonly seen: unknown;
  readonly loaded: unknown;
  readonly current: string;
}

/** Now the store is well, now it is away, now some of what it is asked fails. @returns the end of it. */
function changeWeather({ chaos }: ChaoticStore): () => void {
  const rates = [0, 1, 0.3];
  let turn = 0;
  const timer = setInterval(() => {
    chaos.failRate = rates[++turn % rates.length] as number;
  }, 20);
  return () => clearInterval(timer);
}

/** Changes one key in every way there is, and looks at it after each change: only what is current may be seen. */
async function changeAndLook(
  cache: Cache,
  random: () => number,
  look: (look: Look) => void,
): Promise<void> {
  const options = { ...LONG, tags: ["t"] };
  for (let round = 0; round < 60; round++) {
    const current = `version ${round}`;
    const set = (): Promise<void> => cache.set("k", current, options);
    const changes = [
      ...[set, set, set],
      () => cache.delete("k"),
      () => cache.invalidateTags("t"),
      () => cache.clear(),
    ];
    await changes[Math.floor(random() * changes.length)]?.();
    // Once more when the store may be used again, which is when old values could come back.
    for (const pauseMs of random() < 0.5 ? [0, 25] : [0]) {
      if (pauseMs > 0) await pause(pauseMs);
      const seen = await cache.get("k");
      look({ seen, loaded: await cache.getOrSet("k", () => current, options), current });
    }
  }
}

function failing(failWhen: "before" | "after"): ChaosOptions {
  return { failRate: 0.3, failWhen };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
