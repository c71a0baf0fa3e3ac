import { type Clock, sha256Binary } from "@backplane/protocol";

/** Bounds of the memory of bad tokens. */
export interface NegativeCacheOptions {
  /** Tokens remembered; the oldest goes first. */
  readonly maxEntries: number;
  /** For how long, in milliseconds. */
  readonly ttlMs: number;
}

/** Bad tokens, by digest, so that the same one is not asked for again and again. */
export class NegativeCache {
  readonly #untilMs = new Map<string, number>();
  readonly #options: NegativeCacheOptions;
  readonly #clock: Clock;

  constructor(options: NegativeCacheOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  has(token: string): boolean {
    const untilMs = this.#untilMs.get(sha256Binary(token));
    return untilMs !== undefined && this.#clock.now() < untilMs;
  }

  add(token: string): void {
    const digest = sha256Binary(token);
    this.#untilMs.delete(digest);
    if (this.#untilMs.size >= this.#options.maxEntries) {
      for (const oldest of this.#untilMs.keys()) {
        this.#untilMs.delete(oldest);
        break;
      }
    }
    this.#untilMs.set(digest, this.#clock.now() + this.#options.ttlMs);
  }
}
