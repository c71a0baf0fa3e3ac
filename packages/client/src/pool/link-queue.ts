import {
  type Clock,
  type DeadlineEntry,
  type DeadlineKind,
  DeadlineWheel,
  IntrusiveList,
  type ListNode,
} from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";

/** Requests that wait for a link, served in the order they came. Every operation is O(1), without a timer each. */
export class LinkQueue {
  readonly #timeoutMs: number;
  readonly #describe: () => string;
  readonly #waiters = new IntrusiveList<Waiter>();
  readonly #wheel: DeadlineWheel;

  /** @param describe what the pool is busy with, for the error of one that waited in vain. */
  constructor(timeoutMs: number, clock: Pick<Clock, "now" | "after">, describe: () => string) {
    this.#timeoutMs = timeoutMs;
    this.#wheel = new DeadlineWheel(clock);
    this.#describe = describe;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Rejects with `acquire_timeout`, with `aborted` when the signal fires, or as {@link rejectAll} says. */
  wait(signal: AbortSignal | undefined): Promise<Link> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this, resolve, reject, signal, this.#timeoutMs, this.#wheel.now());
      signal?.addEventListener("abort", waiter);
      this.#waiters.add(waiter);
      this.#wheel.add(waiter);
    });
  }

  /** Gives a link to the one that has waited longest. @returns false when nobody waits. */
  hand(link: Link): boolean {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return false;
    this.#forget(waiter);
    waiter.resolve(link);
    return true;
  }

  rejectAll(error: unknown): void {
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      this.#forget(waiter);
      waiter.reject(error);
    }
  }

  /** For the waiter itself. */
  leave(waiter: Waiter, error: MCPClientError): void {
    this.#waiters.delete(waiter);
    this.#forget(waiter);
    waiter.reject(error);
  }

  timedOut(waiter: Waiter, limitMs: number): void {
    const error = new MCPClientError(
      "acquire_timeout",
      `no connection became free in connectionTimeoutMs (${limitMs} ms): ${this.#describe()}`,
      { details: { limitMs } },
    );
    this.leave(waiter, error);
  }

  #forget(waiter: Waiter): void {
    this.#wheel.remove(waiter);
    waiter.signal?.removeEventListener("abort", waiter);
  }
}

class Waiter implements DeadlineEntry, ListNode<Waiter> {
  readonly #queue: LinkQueue;
  readonly resolve: (link: Link) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly idleMs: number = Number.POSITIVE_INFINITY;
  readonly totalMs: number;
  startedAtMs: number;
  wheelTouchedAtMs = 0;
  wheelSlot = -1;
  wheelNext: DeadlineEntry | undefined = undefined;
  wheelPrevious: DeadlineEntry | undefined = undefined;
  listNext: Waiter | undefined = undefined;
  listPrevious: Waiter | undefined = undefined;
  listed = false;

  constructor(
    queue: LinkQueue,
    resolve: (link: Link) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
    timeoutMs: number,
    nowMs: number,
  ) {
    this.#queue = queue;
    this.resolve = resolve;
    this.reject = reject;
    this.signal = signal;
    this.totalMs = timeoutMs;
    this.startedAtMs = nowMs;
  }

  onDeadline(_which: DeadlineKind, limitMs: number): void {
    this.#queue.timedOut(this, limitMs);
  }

  /** The listener of the caller's signal. */
  handleEvent(): void {
    this.#queue.leave(this, abortedError(this.signal));
  }
}

function abortedError(signal: AbortSignal | undefined): MCPClientError {
  return new MCPClientError(
    "aborted",
    "the caller's signal fired while the request waited for a connection",
    { cause: signal?.reason },
  );
}
