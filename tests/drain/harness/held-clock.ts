import { type Clock, systemClock } from "@backplane/protocol";

/** The machine's clock, except that timers of one length fire when the test says so. */
export class HeldClock implements Clock {
  readonly #heldMs: number;
  readonly #held = new Set<() => void>();

  constructor(heldMs: number) {
    this.#heldMs = heldMs;
  }

  /** Timers that wait for `fire`. */
  get waiting(): number {
    return this.#held.size;
  }

  now(): number {
    return systemClock.now();
  }

  after(delayMs: number, callback: () => void): () => void {
    if (delayMs !== this.#heldMs) return systemClock.after(delayMs, callback);
    this.#held.add(callback);
    return () => this.#held.delete(callback);
  }

  fire(): void {
    for (const callback of this.#held) callback();
    this.#held.clear();
  }
}
