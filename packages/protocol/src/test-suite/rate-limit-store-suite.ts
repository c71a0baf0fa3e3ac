import type { RateLimitBucket, RateLimitStore } from "../seams/rate-limit-store.ts";
import type { PassTime, SuiteContext, SuiteRunner } from "./runner.ts";
import { timedTests } from "./timed-tests.ts";

/** For stores whose time cannot be moved. */
export interface RateLimitStoreSuiteOptions {
  /** By default the fake clock is moved. */
  readonly passTime?: PassTime;
}

/** Long enough that the calls of one test cannot outlast a refill, short enough to wait for one. */
const WINDOW_MS = 1_000;

function bucket(key: string, over: Partial<RateLimitBucket> = {}): RateLimitBucket {
  const limit = over.limit ?? 4;
  return { key, limit, windowMs: WINDOW_MS, burst: limit, cost: 1, ...over };
}

/**
 * The contract of {@link RateLimitStore}. Each test gets its own store from `makeStore`, without buckets of
 * another, and closes it.
 */
export function rateLimitStoreSuite(
  runner: SuiteRunner,
  makeStore: (context: SuiteContext) => RateLimitStore | Promise<RateLimitStore>,
  options: RateLimitStoreSuiteOptions = {},
): void {
  const { describe, expect } = runner;

  const test = timedTests(runner, makeStore, options.passTime);

  /** How many of `attempts` calls, one after the other, are allowed. */
  async function allowedOf(
    store: RateLimitStore,
    attempts: number,
    ...buckets: RateLimitBucket[]
  ): Promise<number> {
    let allowed = 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if ((await store.take(buckets)).allowed) allowed++;
    }
    return allowed;
  }

  describe("RateLimitStore", () => {
    test("allows the burst, then refuses and says when to come again", async (store) => {
      const slow = bucket("a", { windowMs: 3_600_000 });
      expect(await allowedOf(store, 10, slow)).toBe(4);
      const refused = await store.take([slow]);
      expect(refused.allowed).toBe(false);
      const waitMs = refused.allowed ? 0 : refused.retryAfterMs;
      expect(Number.isInteger(waitMs) && waitMs > 890_000 && waitMs <= 900_000).toBe(true);
    });

    test("refills evenly, and never beyond the burst", async (store, pass) => {
      await allowedOf(store, 4, bucket("a"));
      await pass(WINDOW_MS / 4 + 50);
      expect(await allowedOf(store, 2, bucket("a"))).toBe(1);
      await pass(WINDOW_MS * 2);
      expect(await allowedOf(store, 10, bucket("a"))).toBe(4);
    });

    test("after the time that it said, it allows", async (store, pass) => {
      await allowedOf(store, 4, bucket("a"));
      const refused = await store.take([bucket("a")]);
      await pass((refused.allowed ? 0 : refused.retryAfterMs) + 1);
      expect((await store.take([bucket("a")])).allowed).toBe(true);
    });

    test("refusals cost nothing", async (store, pass) => {
      await allowedOf(store, 50, bucket("a"));
      await pass(WINDOW_MS / 4 + 50);
      expect((await store.take([bucket("a")])).allowed).toBe(true);
    });

    test("a burst may be smaller or larger than the limit", async (store) => {
      const windowMs = 3_600_000;
      expect(await allowedOf(store, 9, bucket("small", { burst: 2, windowMs }))).toBe(2);
      expect(await allowedOf(store, 9, bucket("large", { burst: 6, windowMs }))).toBe(6);
    });

    test("calls may cost more or less than one", async (store) => {
      const windowMs = 3_600_000;
      expect(await allowedOf(store, 9, bucket("dear", { cost: 2, windowMs }))).toBe(2);
      expect(await allowedOf(store, 20, bucket("cheap", { cost: 0.5, windowMs }))).toBe(8);
    });

    test("buckets are apart, whatever their keys", async (store) => {
      const keys = ["a", "A", "a:b", "a b", "", "__proto__", "ünï ✓", "{a}"];
      const windowMs = 3_600_000;
      for (const key of keys) expect(await allowedOf(store, 6, bucket(key, { windowMs }))).toBe(4);
    });

    test("takes from all buckets or from none", async (store) => {
      const windowMs = 3_600_000;
      const one = bucket("one", { windowMs });
      const two = bucket("two", { limit: 2, windowMs });
      expect(await allowedOf(store, 5, one, two)).toBe(2);
      // The refusals by the second took nothing from the first.
      expect(await allowedOf(store, 5, one)).toBe(2);
      const refused = await store.take([one, two]);
      // The longer wait of the two: 1,800 s against 900 s.
      expect(!refused.allowed && refused.retryAfterMs > 1_700_000).toBe(true);
      expect((await store.take([])).allowed).toBe(true);
    });

    test("calls at once do not pass the limit", async (store) => {
      const slow = bucket("a", { limit: 10, windowMs: 3_600_000 });
      const made = await Promise.all(Array.from({ length: 50 }, () => store.take([slow])));
      expect(made.filter(({ allowed }) => allowed).length).toBe(10);
    });

    test("a limit that changes applies to what was counted before", async (store) => {
      const windowMs = 3_600_000;
      expect(await allowedOf(store, 2, bucket("a", { limit: 4, windowMs }))).toBe(2);
      expect(await allowedOf(store, 9, bucket("a", { limit: 2, windowMs }))).toBe(1);
    });
  });
}
