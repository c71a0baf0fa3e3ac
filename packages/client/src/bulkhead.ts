import { checkMembers, IntrusiveList, type ListNode, wholeNumber } from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";

const SUBJECT = "Bulkhead";

/** How much one target may hold of this process. */
export interface BulkheadOptions {
  /** Requests that run at once. A whole number of 1 or more. Default 256. */
  readonly maxConcurrent: number;
  /** Requests that wait for a place; one more fails with `overloaded`. 0 or more. Default 1,024. */
  readonly maxQueued: number;
}

const DEFAULTS: BulkheadOptions = { maxConcurrent: 256, maxQueued: 1_024 };

/** A place in the queue. */
export interface QueuedEntry {
  /** Resolves when the request may run; it then has to {@link Bulkhead.leave}. Never rejects. */
  readonly entered: Promise<void>;
  /** Gives the place in the queue up. No-op once `entered` has resolved. */
  cancel(): void;
}

class Waiter implements QueuedEntry, ListNode<Waiter> {
  readonly entered: Promise<void>;
  readonly #queue: IntrusiveList<Waiter>;
  enter!: () => void;
  listNext: Waiter | undefined = undefined;
  listPrevious: Waiter | undefined = undefined;
  listed = false;

  constructor(queue: IntrusiveList<Waiter>) {
    this.#queue = queue;
    this.entered = new Promise((resolve) => {
      this.enter = resolve;
    });
  }

  // A property, so that it can be handed on by itself.
  readonly cancel: () => void = () => this.#queue.delete(this);
}

/**
 * Keeps one slow target from taking all of this process: so many requests run, so many wait in the order they
 * came, and one more is refused at once.
 */
export class Bulkhead {
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  readonly #queue = new IntrusiveList<Waiter>();
  #running = 0;
  #whenEmpty: Promise<void> | undefined = undefined;
  #emptied: (() => void) | undefined = undefined;

  /** @throws {TypeError} that names the option. */
  constructor(options: Partial<BulkheadOptions> = {}) {
    checkMembers(SUBJECT, options, Object.keys(DEFAULTS));
    const { maxConcurrent, maxQueued } = { ...DEFAULTS, ...options };
    this.#maxConcurrent = wholeNumber(SUBJECT, "maxConcurrent", maxConcurrent);
    if (!Number.isSafeInteger(maxQueued) || maxQueued < 0) {
      throw new TypeError(
        `${SUBJECT}: option "maxQueued" must be a whole number of 0 or more, not ${String(maxQueued)}`,
      );
    }
    this.#maxQueued = maxQueued;
  }

  /** Requests that are inside. */
  get running(): number {
    return this.#running;
  }

  /** Requests that wait for a place. */
  get queued(): number {
    return this.#queue.size;
  }

  /** @returns undefined when inside at once, the error `overloaded`, or a place in the queue. */
  enter(): undefined | MCPClientError | QueuedEntry {
    if (this.#running < this.#maxConcurrent) {
      this.#running++;
      return undefined;
    }
    if (this.#queue.size >= this.#maxQueued) {
      return new MCPClientError(
        "overloaded",
        `${this.#running} requests run and ${this.#queue.size} wait, which is all that the bulkhead allows (maxConcurrent ${this.#maxConcurrent}, maxQueued ${this.#maxQueued})`,
        { details: { running: this.#running, queued: this.#queue.size } },
      );
    }
    const waiter = new Waiter(this.#queue);
    this.#queue.add(waiter);
    return waiter;
  }

  /** Ends what entered, exactly once for each; the longest waiting one takes the place. */
  leave(): void {
    const next = this.#queue.shift();
    if (next !== undefined) next.enter();
    else if (--this.#running === 0) this.#emptied?.();
  }

  /** Resolves when nothing runs and nothing waits any more. */
  whenEmpty(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    this.#whenEmpty ??= new Promise((resolve) => {
      this.#emptied = () => {
        this.#whenEmpty = undefined;
        this.#emptied = undefined;
        resolve();
      };
    });
    return this.#whenEmpty;
  }
}
