import type { ReconnectOptions } from "./http-options.ts";

/**
 * The least wait, whatever a server asks: it doubles from the first to the second while connections end at once,
 * so that `retry: 0` with an event on each is no loop without a pause. Longer waits are kept exactly.
 */
const MIN_FLOOR_MS = 10;
const MAX_FLOOR_MS = 100;

/** A connection that lasted this long did not end at once. */
const BRIEF_MS = 1_000;

/** When to open a broken stream again, and when to stop trying. */
export class ReconnectSchedule {
  readonly #options: ReconnectOptions;
  readonly #random: () => number;
  readonly #now: () => number;
  #attempts = 0;
  #workingAtMs: number;
  /** Connections in a row that ended at once. */
  #brief = 0;
  /** When the last attempt was due. */
  #dueAtMs: number;

  constructor(options: ReconnectOptions, random: () => number, now: () => number) {
    this.#options = options;
    this.#random = random;
    this.#now = now;
    this.#workingAtMs = now();
    this.#dueAtMs = this.#workingAtMs;
  }

  /** The stream works: the count and the budget begin anew. */
  worked(): void {
    this.#attempts = 0;
    this.#workingAtMs = this.#now();
  }

  /**
   * How long to wait before the next attempt, in milliseconds; undefined when there is to be none.
   * @param askedMs what the server asked for: before the first attempt kept exactly from 100 ms on, and from
   * 10 ms on unless connections keep ending within a second; at least kept later.
   */
  next(askedMs: number | undefined): number | undefined {
    const { maxAttempts, initialDelayMs, maxDelayMs, budgetMs } = this.#options;
    const nowMs = this.#now();
    const attempt = this.#attempts++;
    const ceilingMs = Math.min(maxDelayMs, initialDelayMs * 2 ** attempt);
    // Half of it is jitter, so that the clients of a server that restarts do not return as one.
    const ownMs = ceilingMs / 2 + (ceilingMs / 2) * this.#random();
    const leastMs = attempt === 0 && askedMs !== undefined ? this.#floorMs(nowMs) : ownMs;
    const delayMs = Math.max(askedMs ?? 0, leastMs);
    this.#dueAtMs = nowMs + delayMs;
    const spentMs = nowMs - this.#workingAtMs;
    return attempt < maxAttempts && spentMs + delayMs <= budgetMs ? delayMs : undefined;
  }

  #floorMs(nowMs: number): number {
    if (nowMs - this.#dueAtMs >= BRIEF_MS) this.#brief = 0;
    return Math.min(MAX_FLOOR_MS, MIN_FLOOR_MS * 2 ** this.#brief++);
  }
}
