import type { Clock } from "@backplane/protocol";
import { OAuthClientError, shownUrl } from "./errors.ts";

const WINDOW_MS = 60_000;

/** A server that refuses whatever it is shown must not make the user authorize again and again. */
export class Attempts {
  readonly #clock: Clock;
  #startedAtMs: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param max how many may begin in a minute.
   * @throws {OAuthClientError} with code `too_many_attempts`.
   */
  begin(url: URL, max: number): void {
    const nowMs = this.#clock.now();
    this.#startedAtMs = this.#startedAtMs.filter((atMs) => nowMs - atMs < WINDOW_MS);
    if (this.#startedAtMs.length >= max) {
      throw new OAuthClientError(
        "too_many_attempts",
        "resource",
        `OAuth: ${shownUrl(url)} refused ${max} new tokens within a minute`,
      );
    }
    this.#startedAtMs.push(nowMs);
  }
}
