import { CHANNELS, type RateLimitBucket, type RateLimitDecision } from "@backplane/protocol";
import type { ResolvedRateLimit } from "../rate-limit-options.ts";

const ALLOWED: RateLimitDecision = Object.freeze({ allowed: true });

/**
 * A shared store that may be away: one that fails or takes too long is left alone for a while, and calls are
 * decided as the option `onStoreFailure` says. Said once when it begins, and once when it ends.
 */
export class GuardedStore {
  readonly #options: ResolvedRateLimit;
  #away = false;
  #retryAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ResolvedRateLimit) {
    this.#options = options;
  }

  /** Whether the shared store failed and has not come back. */
  get degraded(): boolean {
    return this.#away;
  }

  /** At once where only this process counts. */
  take(buckets: readonly RateLimitBucket[]): RateLimitDecision | Promise<RateLimitDecision> {
    const { store, local, clock } = this.#options;
    if (store === undefined) return local.takeNow(buckets);
    if (this.#away && clock.now() < this.#retryAtMs) return this.#without(buckets);
    return this.#shared(buckets);
  }

  async #shared(buckets: readonly RateLimitBucket[]): Promise<RateLimitDecision> {
    const { store, storeTimeoutMs, clock, logger } = this.#options;
    // Others do not wait for the one that tries whether it is back.
    if (this.#away) this.#retryAtMs = clock.now() + this.#options.storeRetryMs;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(storeTimeoutMs, () => {
        reject(new Error(`the rate limit store did not answer within ${storeTimeoutMs} ms`));
      });
    });
    try {
      const decision = await Promise.race([store?.take(buckets) ?? ALLOWED, late]);
      if (this.#away) {
        this.#becomes(false);
        logger.info({}, "the rate limit store is back");
      }
      return decision;
    } catch (error) {
      this.#failed(error);
      return this.#without(buckets);
    } finally {
      cancel();
    }
  }

  #failed(error: unknown): void {
    const { clock, storeRetryMs, logger, onStoreFailure } = this.#options;
    this.#retryAtMs = clock.now() + storeRetryMs;
    if (this.#away) return;
    this.#becomes(true);
    logger.warn(
      { err: error, onStoreFailure },
      `the rate limit store is away; ${MEANWHILE[onStoreFailure]}`,
    );
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
