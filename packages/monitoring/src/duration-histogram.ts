/** Buckets of one microsecond each below this, then 16 to a power of two. */
const LINEAR = 32;
const SUB_BITS = 4;
const SUB_BUCKETS = 1 << SUB_BITS;
const FIRST_EXPONENT = 5;
const LAST_EXPONENT = 30;
const BUCKETS = LINEAR + (LAST_EXPONENT - FIRST_EXPONENT + 1) * SUB_BUCKETS;
const LARGEST_US = 2 ** (LAST_EXPONENT + 1) - 1;

/**
 * The upper bounds, in seconds, under which durations are counted for Prometheus and OpenTelemetry: the ones
 * that the conventions advise for `mcp.server.operation.duration`.
 */
export const DURATION_BOUNDS_S: readonly number[] = Object.freeze([
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
]);

const BOUNDS_US: readonly number[] = DURATION_BOUNDS_S.map((seconds) => seconds * 1e6);

/** What a histogram says of the durations that it has seen; milliseconds. */
export interface DurationSummary {
  readonly count: number;
  /** Exact, as are `minMs` and `maxMs`; 0 without durations. */
  readonly averageMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Percentiles are at most 1/32 away from the duration that stands there. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/**
 * Counts durations in buckets of which each is at most 1/16 wider than its beginning, from one microsecond to
 * 35 minutes; longer ones count as the longest. One increment per duration and 2 KB, however many there
 * are: an array of samples would either grow or forget, and an average of percentiles is none.
 */
export class DurationHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  readonly #bounded = new Uint32Array(BOUNDS_US.length + 1);
  #count = 0;
  #sumMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** Counts one duration in milliseconds. What is negative or no number counts as 0: a clock may have stepped. */
  record(durationMs: number): void {
    const ms = Number.isNaN(durationMs) ? 0 : Math.max(durationMs, 0);
    const us = ms * 1_000;
    const index = bucketOf(us);
    (this.#counts[index] as number)++;
    const bound = FIRST_BOUND[index] as number;
    const belongs = us <= (BOUNDS_US[bound] ?? Number.POSITIVE_INFINITY) ? bound : bound + 1;
    (this.#bounded[belongs] as number)++;
    this.#count++;
    this.#sumMs += ms;
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** Durations up to each of {@link DURATION_BOUNDS_S}, and at last all of them. */
  cumulative(): number[] {
    let total = 0;
    return Array.from(this.#bounded, (count) => {
      total += count;
      return total;
    });
  }

  /**
   * The duration below which the share `quantile` of all lies, in milliseconds; 0 without durations.
   * @param quantile 0 to 1.
   */
  quantileMs(quantile: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] as number;
      if (seen >= rank) {
        const middleMs = (lowerBoundOf(index) + lowerBoundOf(index + 1)) / 2_000;
        return Math.min(Math.max(middleMs, this.#minMs), this.#maxMs);
      }
    }
    return this.#maxMs;
  }

  summary(): DurationSummary {
    return {
      count: this.#count,
      averageMs: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      minMs: this.#count === 0 ? 0 : this.#minMs,
      maxMs: this.#maxMs,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p95Ms: this.quantileMs(0.95),
      p99Ms: this.quantileMs(0.99),
    };
  }
}

function bucketOf(us: number): number {
  const whole = us >= LARGEST_US ? LARGEST_US : us | 0;
  if (whole < LINEAR) return whole;
  const exponent = 31 - Math.clz32(whole);
  const sub = (whole >>> (exponent - SUB_BITS)) & (SUB_BUCKETS - 1);
  return LINEAR + (exponent - FIRST_EXPONENT) * SUB_BUCKETS + sub;
}

/** Where a bucket begins, in microseconds. */
function lowerBoundOf(index: number): number {
  if (index < LINEAR) return index;
  const power = Math.floor((index - LINEAR) / SUB_BUCKETS) + FIRST_EXPONENT;
  const sub = (index - LINEAR) % SUB_BUCKETS;
  return (SUB_BUCKETS + sub) * 2 ** (power - SUB_BITS);
}

/** For each bucket the first bound that does not lie before it: no bucket holds more than one. */
const FIRST_BOUND: Uint8Array = Uint8Array.from({ length: BUCKETS }, (_, index) => {
  const found = BOUNDS_US.findIndex((bound) => bound >= lowerBoundOf(index));
  return found === -1 ? BOUNDS_US.length : found;
});
