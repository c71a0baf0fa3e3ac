/** Eight buckets to a power of two: a percentile is at most 1/22 off. */
const PER_OCTAVE = 8;
const OCTAVES = 24;
const BUCKETS = PER_OCTAVE * OCTAVES;
const FIRST_MS = 0.01;
/** Four buckets of latency are one row of the heat map: half a power of two. */
const PER_ROW = 4;

/** Durations from 10 µs to 2.8 minutes in 768 bytes: small enough for one in each second of a window. */
export class Latencies {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  record(durationMs: number): void {
    const octaves = Math.log2(durationMs / FIRST_MS);
    // Also false for what is no number.
    const bucket = octaves > 0 ? Math.min(BUCKETS - 1, Math.floor(octaves * PER_OCTAVE)) : 0;
    (this.#counts[bucket] as number)++;
    this.#count++;
  }

  add(other: Latencies): void {
    if (other.#count === 0) return;
    for (let index = 0; index < BUCKETS; index++) {
      (this.#counts[index] as number) += other.#counts[index] as number;
    }
    this.#count += other.#count;
  }

  clear(): void {
    if (this.#count > 0) this.#counts.fill(0);
    this.#count = 0;
  }

  /** Milliseconds; 0 without durations. */
  quantileMs(quantile: number): number {
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS && this.#count > 0; index++) {
      seen += this.#counts[index] as number;
      if (seen >= rank) return FIRST_MS * 2 ** ((index + 0.5) / PER_OCTAVE);
    }
    return 0;
  }

  /** What the heat map shows: `[row, count]` of the rows that hold anything; row `r` begins at 0.01 × 2^(r/2) ms. */
  rows(): readonly (readonly [row: number, count: number])[] {
    const rows: [number, number][] = [];
    for (let index = 0; index < BUCKETS; index++) {
      const count = this.#counts[index] as number;
      if (count === 0) continue;
      const row = Math.floor(index / PER_ROW);
      const last = rows.at(-1);
      if (last?.[0] === row) last[1] += count;
      else rows.push([row, count]);
    }
    return rows;
  }
}
