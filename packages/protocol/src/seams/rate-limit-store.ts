/** Where calls of one kind are counted, and how many it takes. */
export interface RateLimitBucket {
  /** What is counted together. At most 512 characters. */
  readonly key: string;
  /** Calls in `windowMs`, evenly refilled. */
  readonly limit: number;
  readonly windowMs: number;
  /** Calls that may come at once after a pause. */
  readonly burst: number;
  /** What this call takes: over 0, and `burst` at most. */
  readonly cost: number;
}

/** Whether a call may go on. */
export type RateLimitDecision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** When every bucket will have enough again, if nobody else takes from it; a whole number over 0. */
      readonly retryAfterMs: number;
    };

/** Counts calls. Replicas share one store, so that a limit is one limit, however many there are. */
export interface RateLimitStore {
  /**
   * Takes from all buckets, or from none when one of them has too little: atomically, in one step. A bucket
   * that was never named is full.
   */
  take(buckets: readonly RateLimitBucket[]): Promise<RateLimitDecision>;
  close(): Promise<void>;
}
