import type { Clock } from "@backplane/protocol";

/** When an authorization server that fails is left alone. */
export interface BreakerTimes {
  /** So many failures in a row open it. */
  readonly failures: number;
  /** So long it is not asked then, in milliseconds; after that one request tries. */
  readonly coolDownMs: number;
}

/**
 * Spares callers the wait for a server that does not answer: after some failures in a row requests fail at
 * once, until one of them may try again.
 */
export class CallBreaker {
  readonly #times: BreakerTimes;
  readonly #clock: Clock;
  #failures = 0;
  #openUntilMs = Number.NEGATIVE_INFINITY;

  constructor(times: BreakerTimes, clock: Clock) {
    this.#times = times;
    this.#clock = clock;
  }

  /** Whether a request may be made now. The first one after the cool-down is the trial; others wait for it. */
  enter(): boolean {
    if (this.#failures < this.#times.failures) return true;
    if (this.#clock.now() < this.#openUntilMs) return false;
    this.#openUntilMs = this.#clock.now() + this.#times.coolDownMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
    if (this.#failures >= this.#times.failures) {
      this.#openUntilMs = this.#clock.now() + this.#times.coolDownMs;
    }
  }
}
