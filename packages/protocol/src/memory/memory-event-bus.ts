import { checkMembers } from "../option-checks.ts";
import type { EventBus } from "../seams/event-bus.ts";

/** Settings of {@link createMemoryEventBus}. */
export interface MemoryEventBusOptions {
  /** Told what a listener threw. By default it is dropped, as the seam demands no more. */
  readonly onListenerError?: (error: unknown, topic: string) => void;
}

interface Subscription {
  readonly listener: (message: string) => void;
  active: boolean;
}

interface Delivery {
  readonly topic: string;
  readonly message: string;
  /** Who was subscribed when the message was published. */
  readonly subscriptions: readonly Subscription[];
}

class MemoryEventBus implements EventBus {
  // Lists are replaced, never changed, so that a message in the queue keeps its own.
  readonly #topics = new Map<string, readonly Subscription[]>();
  readonly #onListenerError: MemoryEventBusOptions["onListenerError"];
  #queue: Delivery[] = [];
  #closed = false;

  constructor(options: MemoryEventBusOptions) {
    this.#onListenerError = options.onListenerError;
  }

  async publish(topic: string, message: string): Promise<void> {
    this.#assertOpen();
    const subscriptions = this.#topics.get(topic);
    if (subscriptions === undefined) return;
    if (this.#queue.length === 0) afterThisTurn(() => this.#deliver());
    this.#queue.push({ topic, message, subscriptions });
  }

  async subscribe(
    topic: string,
    listener: (message: string) => void,
  ): Promise<() => Promise<void>> {
    this.#assertOpen();
    const subscription: Subscription = { listener, active: true };
    this.#topics.set(topic, [...(this.#topics.get(topic) ?? []), subscription]);
    return async () => {
      if (!subscription.active) return;
      subscription.active = false;
      const left = (this.#topics.get(topic) ?? []).filter((other) => other !== subscription);
      if (left.length === 0) this.#topics.delete(topic);
      else this.#topics.set(topic, left);
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#topics.clear();
    this.#queue = [];
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error("EventBus: used after close");
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { topic, message, subscriptions } of queue) {
      for (const subscription of subscriptions) {
        if (!subscription.active || this.#closed) continue;
        try {
          subscription.listener(message);
        } catch (error) {
          this.#onListenerError?.(error, topic);
        }
      }
    }
  }
}

/**
 * A turn of the event loop, not a microtask: code that awaits `publish` and then counts on delivery
 * must fail here as it would with a bus on the network.
 */
function afterThisTurn(callback: () => void): void {
  if (typeof setImmediate === "function") setImmediate(callback);
  else setTimeout(callback, 0);
}

/**
 * A bus within this process. Server objects that share it behave as replicas.
 *
 * @throws {TypeError} for an option that is unknown.
 */
export function createMemoryEventBus(options: MemoryEventBusOptions = {}): EventBus {
  checkMembers("createMemoryEventBus", options, ["onListenerError"]);
  return new MemoryEventBus(options);
}
