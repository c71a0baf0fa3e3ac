/** How often a server process that ended by itself is started again. */
export interface RestartOptions {
  /** Restarts within `windowMs`; after them connecting fails at once. Default 5; a whole number of 1 or more. */
  readonly maxRestarts: number;
  /** Over how long restarts are counted, in milliseconds. Default 60,000. */
  readonly windowMs: number;
  /** Longest wait before the first restart, in milliseconds; it doubles with each. Default 250. */
  readonly initialDelayMs: number;
  /** Longest wait before any restart, in milliseconds. Default 10,000. */
  readonly maxDelayMs: number;
}

export const DEFAULT_RESTARTS: RestartOptions = {
  maxRestarts: 5,
  windowMs: 60_000,
  initialDelayMs: 250,
  maxDelayMs: 10_000,
};

/** For a server that is started once. */
export const NO_RESTARTS: RestartOptions = {
  ...DEFAULT_RESTARTS,
  maxRestarts: 0,
  windowMs: Number.POSITIVE_INFINITY,
};

/** Counts the unwanted ends of one server's processes, and says when the next may start. */
export class RestartBudget {
  readonly options: RestartOptions;
  readonly #random: () => number;
  /** When they ended, oldest first; never more than the budget plus one. */
  #endings: number[] = [];

  /** @param random from 0 to below 1, for jitter. */
  constructor(options: RestartOptions, random: () => number = Math.random) {
    this.options = options;
    this.#random = random;
  }

  /** A process ended that nobody had asked to. */
  ended(nowMs: number): void {
    this.#forget(nowMs);
    this.#endings.push(nowMs);
    if (this.#endings.length > this.options.maxRestarts + 1) this.#endings.shift();
  }

  /**
   * How long to wait, in milliseconds, before the next start; undefined when the budget is used up. The wait
   * counts from the last ending, so that who comes later does not wait at all.
   */
  delayMs(nowMs: number): number | undefined {
    this.#forget(nowMs);
    const { maxRestarts, initialDelayMs, maxDelayMs } = this.options;
    const count = this.#endings.length;
    if (count === 0) return 0;
    if (count > maxRestarts) return undefined;
    const longest = Math.min(maxDelayMs, initialDelayMs * 2 ** (count - 1));
    // Half of it fixed, half random: clients of one crashed service come back apart from each other.
    const wait = longest / 2 + (longest / 2) * this.#random();
    return Math.max(0, wait - (nowMs - (this.#endings[count - 1] as number)));
  }

  #forget(nowMs: number): void {
    const oldest = nowMs - this.options.windowMs;
    this.#endings = this.#endings.filter((at) => at > oldest);
  }
}
