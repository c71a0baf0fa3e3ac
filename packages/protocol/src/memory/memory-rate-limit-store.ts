import { IntrusiveList, type ListNode } from "../intrusive-list.ts";
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

/** A bucket that was in use so shortly ago stays though it is full: its caller is likely to come again. */
const KEPT_MS = 1_000;

/** A store that can answer at once, so that a call which is counted in memory need not wait for a promise. */
export interface SyncRateLimitStore extends RateLimitStore {
  /** As `take`. */
  takeNow(buckets: readonly RateLimitBucket[]): RateLimitDecision;
}

const ALLOWED: RateLimitDecision = Object.freeze({ allowed: true });

/** One that is not full, or was in use a moment ago. */
class Held implements ListNode<Held> {
  readonly key: string;
  /** When it will be full again: GCRA, which is a token bucket in one number. */
  fullAtMs = 0;
  usedAtMs = 0;
  listNext: Held | undefined = undefined;
  listPrevious: Held | undefined = undefined;
  listed = false;

  constructor(key: string) {
    this.key = key;
  }
}

/** Nothing is added or taken away for a caller that is known: tables that change with each call are garbage. */
class MemoryRateLimitStore implements SyncRateLimitStore {
  readonly #held = new Map<string, Held>();
  /** In the order of last use. */
  readonly #byUse = new IntrusiveList<Held>();
  readonly #maxBuckets: number;
  readonly #clock: Pick<Clock, "now">;

  constructor(options: MemoryRateLimitStoreOptions) {
    const subject = "createMemoryRateLimitStore";
    checkMembers(subject, options, ["maxBuckets", "clock"]);
    this.#maxBuckets = wholeNumber(subject, "maxBuckets", options.maxBuckets ?? 100_000);
    this.#clock = options.clock ?? monotonicClock;
  }

  async take(buckets: readonly RateLimitBucket[]): Promise<RateLimitDecision> {
    return this.takeNow(buckets);
  }

  takeNow(buckets: readonly RateLimitBucket[]): RateLimitDecision {
    const nowMs = this.#clock.now();
    const [only] = buckets;
    const decision =
      buckets.length === 1
        ? this.#takeOne(only as RateLimitBucket, nowMs)
        : this.#takeAll(buckets, nowMs);
    if (decision.allowed) this.#sweep(nowMs);
    return decision;
  }

  async close(): Promise<void> {
    this.#held.clear();
    while (this.#byUse.shift() !== undefined);
  }

  /** What {@link #takeAll} does, with one look-up: most calls are in one bucket. */
  #takeOne(bucket: RateLimitBucket, nowMs: number): RateLimitDecision {
    const held = this.#held.get(bucket.key);
    const fullAtMs = after(held, bucket, nowMs);
    const waitMs = wait(bucket, fullAtMs, nowMs);
    if (waitMs > 0) return refused(waitMs);
    this.#use(held ?? this.#hold(bucket.key), fullAtMs, nowMs);
    return ALLOWED;
  }

  /** From all or from none. */
  #takeAll(buckets: readonly RateLimitBucket[], nowMs: number): RateLimitDecision {
    let waitMs = 0;
    for (const bucket of buckets) {
      const fullAtMs = after(this.#held.get(bucket.key), bucket, nowMs);
      waitMs = Math.max(waitMs, wait(bucket, fullAtMs, nowMs));
    }
    if (waitMs > 0) return refused(waitMs);
    for (const bucket of buckets) {
      const held = this.#held.get(bucket.key) ?? this.#hold(bucket.key);
      this.#use(held, after(held, bucket, nowMs), nowMs);
    }
    return ALLOWED;
  }

  #hold(key: string): Held {
    const held = new Held(key);
    this.#held.set(key, held);
    return held;
  }

  #use(held: Held, fullAtMs: number, nowMs: number): void {
    held.fullAtMs = fullAtMs;
    held.usedAtMs = nowMs;
    this.#byUse.delete(held);
    this.#byUse.add(held);
  }

  #sweep(nowMs: number): void {
    let steps = 0;
    let next = this.#byUse.first;
    while (next !== undefined) {
      const held = next;
      next = held.listNext;
      if (this.#held.size > this.#maxBuckets) this.#forget(held);
      else if (steps++ === SWEEP_STEPS || held.usedAtMs > nowMs - KEPT_MS) return;
      else if (held.fullAtMs <= nowMs) this.#forget(held);
    }
  }

  #forget(held: Held): void {
    this.#held.delete(held.key);
    this.#byUse.delete(held);
  }
}

/** When the bucket would be full again after this call. */
function after(held: Held | undefined, bucket: RateLimitBucket, nowMs: number): number {
  const { limit, windowMs, cost } = bucket;
  return Math.max(held?.fullAtMs ?? nowMs, nowMs) + (windowMs / limit) * cost;
}

/** How long this call has to wait, 0 if it need not. */
function wait(
  { limit, windowMs, burst }: RateLimitBucket,
  fullAtMs: number,
  nowMs: number,
): number {
  const waitMs = fullAtMs - (windowMs * burst) / limit - nowMs;
  // Sums of fractions of milliseconds are not exact: what is below that is no wait.
  return waitMs > 0.001 ? waitMs : 0;
}

function refused(waitMs: number): RateLimitDecision {
  return { allowed: false, retryAfterMs: Math.ceil(waitMs) };
}

/**
 * Counts in this process's memory, not together with other replicas. When more than `maxBuckets` are in
 * use, the one that was used longest ago is forgotten, and so is full again.
 * @throws {TypeError} for an option that is unknown or no whole number of 1 or more.
 */
export function createMemoryRateLimitStore(
  options: MemoryRateLimitStoreOptions = {},
): SyncRateLimitStore {
  return new MemoryRateLimitStore(options);
}
