/** What happened so far, in this process. */
export interface Tally {
  /** Values given while fresh. */
  hits: number;
  /** Values given past their freshness, as the options of the call allowed. */
  stale: number;
  /** Times that a kept "there is none" was given. */
  negative: number;
  misses: number;
  /** Loaders run. */
  loads: number;
  loadFailures: number;
}

/** What a cache tells of itself. */
export interface CacheStats extends Readonly<Tally> {
  /** Whether the shared store is away, and memory serves. */
  readonly degraded: boolean;
}
