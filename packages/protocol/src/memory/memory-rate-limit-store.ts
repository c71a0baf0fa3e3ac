import { checkMembers, wholeNumber } from "../option-checks.ts";
import type { Clock } from "../seams/clock.ts";
import type {
  RateLimitBucket,
  RateLimitDecision,
  RateLimitStore,
} from "../seams/rate-limit-store.ts";
import { monotonicClock } from "./system-clock.ts";

/** Bounds of {@link createMemoryRateLimitStore}. */
export interface MemoryRateLimitStoreOptions {
  /** Buckets that are not full, held at once; 1 or more. Default 100,000. */
  readonly maxBuckets?: number;
  /** Default: time that no correction of the wall clock moves. */
  readonly clock?: Pick<Clock, "now">;
}

/** How many of the oldest buckets one call looks at: more than it can add, so that full ones go away. */
const SWEEP_STEPS = 4;

const ALLOWED: RateLimitDecision = Object.freeze({ allowed: true });

/**
 * GCRA, which is a token bucket in one number: the time at which the bucket will be full again. One whose
 * time has passed need not be held.
 */
class MemoryRateLimitStore implements RateLimitStore {
  /** When each bucket will be full, by key; in the order of last use. */
  readonly #fullAtMs = new Map<string, number>();
  readonly #maxBuckets: number;
  readonly #clock: Pick<Clock, "now">;

  constructor(options: MemoryRateLimitStoreOptions) {
    const subject = "createMemoryRateLimitStore";
    checkMembers(subject, options, ["maxBuckets", "clock"]);
    this.#maxBuckets = wholeNumber(subject, "maxBuckets", options.maxBuckets ?? 100_000);
    this.#clock = options.clock ?? monotonicClock;
  }

  async take(buckets: readonly RateLimitBucket[]): Promise<RateLimitDecision> {
    const nowMs = this.#clock.now();
    let waitMs = 0;
    for (const bucket of buckets) {
      const full = this.#after(bucket, nowMs);
      const { limit, windowMs, burst } = bucket;
      waitMs = Math.max(waitMs, full - (windowMs * burst) / limit - nowMs);
    }
    // Sums of fractions of milliseconds are not exact: what is below that is no wait.
    if (waitMs > 0.001) return { allowed: false, retryAfterMs: Math.ceil(waitMs) };
    for (const bucket of buckets) this.#set(bucket.key, this.#after(bucket, nowMs));
    this.#sweep(nowMs);
    return ALLOWED;
  }

  async close(): Promise<void> {
    this.#fullAtMs.clear();
  }

  /** When the bucket would be full again after this call. */
  #after({ key, limit, windowMs, cost }: RateLimitBucket, nowMs: number): number {
    const fullAtMs = this.#fullAtMs.get(key) ?? nowMs;
    return Math.max(fullAtMs, nowMs) + (windowMs / limit) * cost;
  }

  #set(key: string, fullAtMs: number): void {
    this.#fullAtMs.delete(key);
    this.#fullAtMs.set(key, fullAtMs);
  }

  #sweep(nowMs: number): void {
    let steps = 0;
    for (const [key, fullAtMs] of this.#fullAtMs) {
      const over = this.#fullAtMs.size > this.#maxBuckets;
      if (!over && steps++ === SWEEP_STEPS) return;
      if (over || fullAtMs <= nowMs) this.#fullAtMs.delete(key);
    }
  }
}

/**
 * Counts in this process's memory, not together with other replicas. When more than `maxBuckets` are in
 * use, the one that was used longest ago is forgotten, and so is full again.
 * @throws {TypeError} for an option that is unknown or no whole number of 1 or more.
 */
export function createMemoryRateLimitStore(
  options: MemoryRateLimitStoreOptions = {},
): RateLimitStore {
  return new MemoryRateLimitStore(options);
}
