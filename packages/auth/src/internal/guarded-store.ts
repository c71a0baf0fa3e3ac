import {
  CHANNELS,
  type RateLimitBucket,
  type RateLimitDecision,
  type RateLimitStore,
} from "@backplane/protocol";
import type { ResolvedRateLimit } from "../rate-limit-options.ts";

const ALLOWED: RateLimitDecision = Object.freeze({ allowed: true });
/**
 * What a store that was away is tried with. It is never empty, so that a store which answers and takes no writes is
 * found out; no rule's key begins so.
 */
const PROBE: readonly RateLimitBucket[] = [
  { key: "probe", limit: 1_000_000, windowMs: 1_000, burst: 1_000_000, cost: 1 },
];

/**
 * A shared store that may be away: one that fails or takes too long is left alone until it counts again, which is
 * tried every `storeRetryMs`, and calls are decided as the option `onStoreFailure` says. Said once when it begins,
 * and once when it ends.
 */
export class GuardedStore {
  readonly #options: ResolvedRateLimit;
  #away = false;
  /** There while the store is left alone. */
  #cancelRetry: (() => void) | undefined;
  /** Whether nobody is served. */
  #resting = false;

  constructor(options: ResolvedRateLimit) {
    this.#options = options;
  }

  /** Whether the shared store failed and has not come back. */
  get degraded(): boolean {
    return this.#away;
  }

  /** At once where only this process counts. */
  take(buckets: readonly RateLimitBucket[]): RateLimitDecision | Promise<RateLimitDecision> {
    const { store, local } = this.#options;
    if (store === undefined) return local.takeNow(buckets);
    return this.#cancelRetry === undefined ? this.#shared(store, buckets) : this.#without(buckets);
  }

  /** Nobody is served any more: until `wake`, a store that is away is tried again only by who asks after all. */
  rest(): void {
    this.#resting = true;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  /** Somebody is served again. */
  wake(): void {
    this.#resting = false;
  }

  async #shared(
    store: RateLimitStore,
    buckets: readonly RateLimitBucket[],
  ): Promise<RateLimitDecision> {
    try {
      const decision = await this.#inTime(store, buckets);
      if (this.#away && this.#cancelRetry === undefined) this.#isBack();
      return decision;
    } catch (error) {
      this.#failed(store, error);
      return this.#without(buckets);
    }
  }

  /** @throws what the store throws, and when it is late. */
  async #inTime(
    store: RateLimitStore,
    buckets: readonly RateLimitBucket[],
  ): Promise<RateLimitDecision> {
    const { storeTimeoutMs, clock } = this.#options;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(storeTimeoutMs, () => {
        reject(new Error(`the rate limit store did not answer within ${storeTimeoutMs} ms`));
      });
    });
    try {
      return await Promise.race([store.take(buckets), late]);
    } finally {
      cancel();
    }
  }

  #failed(store: RateLimitStore, error: unknown): void {
    const { logger, onStoreFailure } = this.#options;
    if (this.#cancelRetry === undefined && !this.#resting) this.#retryLater(store);
    if (this.#away) return;
    this.#becomes(true);
    logger.warn(
      { err: error, onStoreFailure },
      `the rate limit store is away; ${MEANWHILE[onStoreFailure]}`,
    );
  }

  /** By a call of nobody's, so that none waits for it and an idle process finds out as well. */
  #retryLater(store: RateLimitStore): void {
    const { clock, storeRetryMs } = this.#options;
    const cancel = clock.after(storeRetryMs, () => {
      this.#inTime(store, PROBE).then(
        () => {
          if (this.#cancelRetry === cancel) this.#isBack();
        },
        () => {
          if (this.#cancelRetry === cancel) this.#retryLater(store);
        },
      );
    });
    this.#cancelRetry = cancel;
  }

  #isBack(): void {
    this.#cancelRetry = undefined;
    this.#becomes(false);
    this.#options.logger.info({}, "the rate limit store is back");
  }

  #becomes(away: boolean): void {
    this.#away = away;
    if (!CHANNELS.degraded.hasSubscribers) return;
    // Several servers may share one limiter.
    CHANNELS.degraded.publish({ serverId: undefined, part: "rate_limit_store", degraded: away });
  }

  async #without(buckets: readonly RateLimitBucket[]): Promise<RateLimitDecision> {
    const { local, onStoreFailure, storeRetryMs } = this.#options;
    if (onStoreFailure === "open") return ALLOWED;
    if (onStoreFailure === "closed") return { allowed: false, retryAfterMs: storeRetryMs };
    return local.take(buckets);
  }
}

const MEANWHILE = {
  local: "each process counts for itself meanwhile",
  open: "no limit holds meanwhile",
  closed: "every call is refused meanwhile",
} as const;
