import type { Clock } from "@backplane/protocol";
import { OAuthClientError, shownUrl } from "./errors.ts";

/** New tokens that the refusals of one server may cause in a minute. */
const MAX_ATTEMPTS = 3;
const WINDOW_MS = 60_000;

/** A server that refuses whatever it is shown must not make the user authorize again and again. */
export class Attempts {
  readonly #clock: Clock;
  #startedAtMs: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws {OAuthClientError} with code `too_many_attempts`. */
  begin(url: URL): void {
    const nowMs = this.#clock.now();
    this.#startedAtMs = this.#startedAtMs.filter((atMs) => nowMs - atMs < WINDOW_MS);
    if (this.#startedAtMs.length >= MAX_ATTEMPTS) {
      throw new OAuthClientError(
        "too_many_attempts",
        "resource",
        `OAuth: ${shownUrl(url)} refused ${MAX_ATTEMPTS} new tokens within a minute`,
      );
    }
    this.#startedAtMs.push(nowMs);
  }
}
