/**
 * The upper bounds, in seconds, under which durations are counted for Prometheus and OpenTelemetry: the ones
 * that the conventions advise for `mcp.server.operation.duration`.
 */
export const DURATION_BOUNDS_S: readonly number[] = Object.freeze([
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
]);

const BOUNDS_MS: readonly number[] = DURATION_BOUNDS_S.map((seconds) => seconds * 1_000);

/** Counts durations under {@link DURATION_BOUNDS_S}, exactly. */
export class BoundedDurations {
  readonly #counts = new Uint32Array(BOUNDS_MS.length + 1);
  #count = 0;
  #sumMs = 0;

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** @param durationMs 0 or more. */
  record(durationMs: number): void {
    let index = 0;
    // The first bound is where most end.
    while (index < BOUNDS_MS.length && durationMs > (BOUNDS_MS[index] as number)) index++;
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
