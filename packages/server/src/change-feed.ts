import type { EventBus, Logger } from "@backplane/protocol";
import type { ListKind } from "./registry.ts";

/** Whoever passes changes on to a client: a listen stream, a session's GET stream, a connection. */
export interface ChangeListener {
  onListChanged(kind: ListKind): void;
  onResourceUpdated(uri: string): void;
}

type Change =
  | { readonly list: ListKind; readonly uri?: undefined }
  | { readonly uri: string; readonly list?: undefined };

const TOPIC = "changes";

/**
 * Changes, from whichever replica sees them to the clients of every replica. Changes of one tick are
 * coalesced: registering a hundred tools tells a client once.
 */
export class ChangeFeed {
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #listeners = new Set<ChangeListener>();
  readonly #pending = new Map<string, Change>();
  #subscription: Promise<() => Promise<void>> | undefined;
  #closed = false;

  constructor(bus: EventBus, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
  }

  listChanged(kind: ListKind): void {
    this.#queue(`list ${kind}`, { list: kind });
  }

  resourceUpdated(uri: string): void {
    this.#queue(`uri ${uri}`, { uri });
  }

  /** Resolves once changes from now on, of any replica, reach the listener. @returns its removal. */
  async listen(listener: ChangeListener): Promise<() => void> {
    this.#subscription ??= this.#bus.subscribe(TOPIC, (message) => this.#deliver(message));
    const subscription = this.#subscription;
    this.#listeners.add(listener);
    try {
      await subscription;
    } catch (error) {
      // The next one tries again: a bus that was away for a moment must not stay away for ever.
      this.#listeners.delete(listener);
      if (this.#subscription === subscription) this.#subscription = undefined;
      throw error;
    }
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    const subscription = this.#subscription;
    this.#subscription = undefined;
    const unsubscribe = await subscription?.catch(() => undefined);
    await unsubscribe?.();
  }

  #queue(key: string, change: Change): void {
    // What is taken apart after `stop` changes lists that nobody is told of.
    if (this.#closed) return;
    if (this.#pending.size === 0) queueMicrotask(() => this.#flush());
    this.#pending.set(key, change);
  }

  #flush(): void {
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    for (const change of changes) {
      this.#bus.publish(TOPIC, JSON.stringify(change)).catch((error: unknown) => {
        this.#logger.warn({ err: error, change }, "a change could not be published to replicas");
      });
    }
  }

  #deliver(message: string): void {
    const change = JSON.parse(message) as Change;
    for (const listener of this.#listeners) {
      if (change.uri !== undefined) listener.onResourceUpdated(change.uri);
      else listener.onListChanged(change.list);
    }
  }
}
