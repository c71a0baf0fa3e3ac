import { describe, expect, it } from "vitest";
import type { RateLimitBucket, RateLimitStore } from "../seams/rate-limit-store.ts";
import { createFakeClock } from "../test-suite/fake-clock.ts";
import { rateLimitStoreSuite } from "../test-suite/rate-limit-store-suite.ts";
import { createMemoryRateLimitStore } from "./memory-rate-limit-store.ts";

rateLimitStoreSuite({ describe, it, expect }, ({ clock }) => createMemoryRateLimitStore({ clock }));

const slow = (key: string): RateLimitBucket => ({
  key,
  limit: 1,
  windowMs: 3_600_000,
  burst: 1,
  cost: 1,
});

describe("createMemoryRateLimitStore", () => {
  it("holds so many buckets and forgets the one used longest ago", async () => {
    const store = createMemoryRateLimitStore({ maxBuckets: 2, clock: createFakeClock() });
    for (const key of ["a", "b", "c"]) await store.take([slow(key)]);
    expect((await store.take([slow("c")])).allowed).toBe(false);
    expect((await store.take([slow("b")])).allowed).toBe(false);
    expect((await store.take([slow("a")])).allowed).toBe(true);
  });

  it("passes a hundred thousand principals without growing", async () => {
    const clock = createFakeClock();
    const store: RateLimitStore = createMemoryRateLimitStore({ maxBuckets: 100, clock });
    for (let index = 0; index < 100_000; index++) await store.take([slow(`principal-${index}`)]);
    let held = 0;
    for (let index = 99_800; index < 100_000; index++) {
      if (!(await store.take([slow(`principal-${index}`)])).allowed) held++;
      clock.advance(0);
    }
    expect(held).toBeLessThanOrEqual(100);
  });

  it.each([
    [{ maxBuckets: 0 }, /"maxBuckets"/],
    [{ max: 1 }, /unknown option "max"/],
  ])("refuses %j", (options, message) => {
    expect(() => createMemoryRateLimitStore(options as never)).toThrow(message);
  });
});
