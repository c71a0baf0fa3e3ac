import { type Clock, IntrusiveList } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";
import type { LinkTaker } from "../link-source.ts";

/**
 * Requests that wait for a link, served in the order they came. All wait equally long, so that the first of them
 * is always the first to give up: one timer is enough, and every operation is O(1).
 */
export class LinkQueue {
  readonly #timeoutMs: number;
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #describe: () => string;
  readonly #waiters = new IntrusiveList<LinkTaker>();
  #cancelTimer: (() => void) | undefined = undefined;

  /** @param describe what the pool is busy with, for the error of one that waited in vain. */
  constructor(timeoutMs: number, clock: Pick<Clock, "now" | "after">, describe: () => string) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#describe = describe;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** The taker hears of a link, of `acquire_timeout`, or of what {@link rejectAll} says. */
  wait(taker: LinkTaker): void {
    taker.waitEndsAtMs = this.#clock.now() + this.#timeoutMs;
    this.#waiters.add(taker);
    // One that is armed fires no later than this one needs.
    if (this.#cancelTimer === undefined) this.#arm(this.#timeoutMs);
  }

  cancel(taker: LinkTaker): void {
    this.#waiters.delete(taker);
  }

  /** Gives a link to the one that has waited longest. @returns false when nobody waits. */
  hand(link: Link): boolean {
    const taker = this.#waiters.shift();
    taker?.onLink(link);
    return taker !== undefined;
  }

  rejectAll(error: unknown): void {
    // One that is told may make another end.
    for (const taker of this.#waiters.toArray()) {
      if (this.#waiters.delete(taker)) taker.onNoLink(error);
    }
  }

  /** Tells all that wait, and releases the timer. */
  close(error: unknown): void {
    this.#cancelTimer?.();
    this.rejectAll(error);
  }

  #arm(delayMs: number): void {
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#expire();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.now();
    for (let first = this.#waiters.first; first !== undefined; first = this.#waiters.first) {
      const leftMs = first.waitEndsAtMs - nowMs;
      if (leftMs > 0) {
        this.#arm(leftMs);
        return;
      }
      const error = new MCPClientError(
        "acquire_timeout",
        `no connection became free in connectionTimeoutMs (${this.#timeoutMs} ms): ${this.#describe()}`,
        { details: { limitMs: this.#timeoutMs } },
      );
      this.#waiters.delete(first);
      first.onNoLink(error);
    }
  }
}
