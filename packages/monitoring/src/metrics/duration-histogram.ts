/** Buckets of one microsecond each below this, then 16 to a power of two. */
const LINEAR = 32;
const SUB_BITS = 4;
const SUB_BUCKETS = 1 << SUB_BITS;
const FIRST_EXPONENT = 5;
const LAST_EXPONENT = 30;
const BUCKETS = LINEAR + (LAST_EXPONENT - FIRST_EXPONENT + 1) * SUB_BUCKETS;
const LARGEST_US = 2 ** (LAST_EXPONENT + 1) - 1;

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

/** Durations from `fromMs` to below `toMs`. */
export interface DurationBucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/**
 * Counts durations in buckets of which each is at most 1/16 wider than its beginning, from one microsecond to
 * 35 minutes; longer ones count as the longest. One increment per duration and 2 KB, however many there
 * are: an array of samples would either grow or forget, and an average of percentiles is none.
 */
export class DurationHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
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
    (this.#counts[bucketOf(ms * 1_000)] as number)++;
    this.#count++;
    this.#sumMs += ms;
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** Counts all durations of another histogram as well. */
  add(other: DurationHistogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      const count = other.#counts[index] as number;
      if (count > 0) (this.#counts[index] as number) += count;
    }
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#minMs = Math.min(this.#minMs, other.#minMs);
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /** The buckets that hold anything, the shortest durations first: for a heat map. */
  buckets(): DurationBucket[] {
    const filled: DurationBucket[] = [];
    for (let index = 0; index < BUCKETS; index++) {
      const count = this.#counts[index] as number;
      if (count === 0) continue;
      const [fromMs, toMs] = [lowerBoundOf(index) / 1_000, lowerBoundOf(index + 1) / 1_000];
      filled.push({ fromMs, toMs, count });
    }
    return filled;
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
