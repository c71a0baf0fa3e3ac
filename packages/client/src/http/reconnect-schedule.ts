import type { ReconnectOptions } from "./http-options.ts";

/** When to open a broken stream again, and when to stop trying. */
export class ReconnectSchedule {
  readonly #options: ReconnectOptions;
  readonly #random: () => number;
  readonly #now: () => number;
  #attempts = 0;
  #workingAtMs: number;

  constructor(options: ReconnectOptions, random: () => number, now: () => number) {
    this.#options = options;
    this.#random = random;
    this.#now = now;
    this.#workingAtMs = now();
  }

  /** The stream works: the count and the budget begin anew. */
  worked(): void {
    this.#attempts = 0;
    this.#workingAtMs = this.#now();
  }

  /**
   * How long to wait before the next attempt, in milliseconds; undefined when there is to be none.
   * @param askedMs what the server asked for: kept exactly before the first attempt, at least kept later.
   */
  next(askedMs: number | undefined): number | undefined {
    const { maxAttempts, initialDelayMs, maxDelayMs, budgetMs } = this.#options;
    const attempt = this.#attempts++;
    const ceilingMs = Math.min(maxDelayMs, initialDelayMs * 2 ** attempt);
    // Half of it is jitter, so that the clients of a server that restarts do not return as one.
    const ownMs = ceilingMs / 2 + (ceilingMs / 2) * this.#random();
    const delayMs = attempt === 0 ? (askedMs ?? ownMs) : Math.max(askedMs ?? 0, ownMs);
    const spentMs = this.#now() - this.#workingAtMs;
    return attempt < maxAttempts && spentMs + delayMs <= budgetMs ? delayMs : undefined;
  }
}
