/**
 * The upper bounds, in seconds, under which durations are counted for Prometheus and OpenTelemetry: the ones
 * that the conventions advise for `mcp.server.operation.duration`.
 */
export const DURATION_BOUNDS_S: readonly number[] = Object.freeze([
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
]);

const BOUNDS_MS: readonly number[] = toMs(DURATION_BOUNDS_S);

/** Counts durations under each bound, exactly. */
export class BoundedDurations {
  readonly #boundsMs: readonly number[];
  readonly #counts: Uint32Array;
  #count = 0;
  #sumMs = 0;

  /** @param boundsS in seconds, ascending. Default {@link DURATION_BOUNDS_S}. */
  constructor(boundsS: readonly number[] = DURATION_BOUNDS_S) {
    this.#boundsMs = boundsS === DURATION_BOUNDS_S ? BOUNDS_MS : toMs(boundsS);
    this.#counts = new Uint32Array(boundsS.length + 1);
  }

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** @param durationMs 0 or more. */
  record(durationMs: number): void {
    const bounds = this.#boundsMs;
    let index = 0;
    // The first bound is where most end.
    while (index < bounds.length && durationMs > (bounds[index] as number)) index++;
    (this.#counts[index] as number)++;
    this.#count++;
    this.#sumMs += durationMs;
  }

  /** Durations up to each bound, and at last all of them. */
  cumulative(): number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => {
      total += count;
      return total;
    });
  }
}

function toMs(boundsS: readonly number[]): readonly number[] {
  return boundsS.map((seconds) => seconds * 1_000);
}
