import { type Clock, sha256Binary } from "@backplane/protocol";
import type { AuthenticationStage } from "../authentication-error.ts";

/** Bounds of the memory of bad tokens. */
export interface NegativeCacheOptions {
  /** Tokens remembered; the oldest goes first. */
  readonly maxEntries: number;
  /** For how long, in milliseconds. */
  readonly ttlMs: number;
}

interface Refusal {
  readonly stage: AuthenticationStage;
  readonly untilMs: number;
}

/** Bad tokens, by digest, so that the same one is not asked for again and again. */
export class NegativeCache {
  readonly #refusals = new Map<string, Refusal>();
  readonly #options: NegativeCacheOptions;
  readonly #clock: Clock;

  constructor(options: NegativeCacheOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** The check that refused it a short time ago. */
  get(token: string): AuthenticationStage | undefined {
    const refusal = this.#refusals.get(sha256Binary(token));
    return refusal !== undefined && this.#clock.now() < refusal.untilMs ? refusal.stage : undefined;
  }

  add(token: string, stage: AuthenticationStage): void {
    const digest = sha256Binary(token);
    this.#refusals.delete(digest);
    if (this.#refusals.size >= this.#options.maxEntries) {
      for (const oldest of this.#refusals.keys()) {
        this.#refusals.delete(oldest);
        break;
      }
    }
    this.#refusals.set(digest, { stage, untilMs: this.#clock.now() + this.#options.ttlMs });
  }
}
