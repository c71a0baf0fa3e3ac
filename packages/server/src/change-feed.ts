import {
  type Clock,
  type EventBus,
  type InterceptorHost,
  isJsonObject,
  type Logger,
  type ServerChange,
  within,
} from "@backplane/protocol";
import type { ListKind } from "./registry.ts";

/** Whoever passes changes on to a client: a listen stream, a session's GET stream, a connection. */
export interface ChangeListener {
  onListChanged(kind: ListKind): void;
  onResourceUpdated(uri: string): void;
}

/** Who must know of a change before clients do, because it keeps what they would ask for. */
type ChangeWatcher = Parameters<InterceptorHost["onChange"]>[0];

interface Change {
  readonly list?: ListKind;
  readonly uri?: string;
  /** The feed that publishes it: its own watchers know already. */
  readonly from?: string;
}

const TOPIC = "changes";
const WATCHER_MS = 2_000;
const RETRY_MS = 1_000;

/**
 * Changes, from whichever replica sees them to the clients of every replica. Changes of one tick are
 * coalesced: registering a hundred tools tells a client once.
 */
export class ChangeFeed {
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #id = globalThis.crypto.randomUUID();
  readonly #listeners = new Set<ChangeListener>();
  readonly #watchers: ChangeWatcher[] = [];
  readonly #pending = new Map<string, Change>();
  /** Ends when the watchers know all changes so far; only with watchers. */
  #told: Promise<void> = Promise.resolve();
  #subscription: Promise<() => Promise<void>> | undefined;
  #removeGap: (() => void) | undefined;
  #closed = false;

  constructor(bus: EventBus, logger: Logger, clock: Clock) {
    this.#bus = bus;
    this.#logger = logger;
    this.#clock = clock;
  }

  listChanged(kind: ListKind): void {
    this.#queue(`list ${kind}`, { list: kind });
  }

  resourceUpdated(uri: string): void {
    this.#queue(`uri ${uri}`, { uri });
  }

  /** Resolves once changes from now on, of any replica, reach the listener. @returns its removal. */
  async listen(listener: ChangeListener): Promise<() => void> {
    this.#listeners.add(listener);
    try {
      await this.#subscribe();
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    return () => this.#listeners.delete(listener);
  }

  /** From now on clients are told once the watcher knows. */
  watch(watcher: ChangeWatcher): void {
    this.#watchers.push(watcher);
    if (this.#watchers.length > 1) return;
    this.#removeGap = this.#bus.onGap?.(() => void this.#tell([{ type: "missed" }]));
    this.#subscribeForWatchers();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#watchers.length = 0;
    this.#removeGap?.();
    const subscription = this.#subscription;
    this.#subscription = undefined;
    const unsubscribe = await subscription?.catch(() => undefined);
    await unsubscribe?.();
  }

  async #subscribe(): Promise<void> {
    this.#subscription ??= this.#bus.subscribe(TOPIC, (message) => this.#receive(message));
    const subscription = this.#subscription;
    try {
      await subscription;
    } catch (error) {
      // The next one tries again: a bus that was away for a moment must not stay away for ever.
      if (this.#subscription === subscription) this.#subscription = undefined;
      throw error;
    }
  }

  #subscribeForWatchers(retries = 0): void {
    if (this.#closed) return;
    this.#subscribe().then(
      () => {
        if (retries > 0) void this.#tell([{ type: "missed" }]);
      },
      (error: unknown) => {
        if (retries === 0) {
          this.#logger.warn(
            { err: error },
            "changes of other replicas are not heard; trying again",
          );
        }
        this.#clock.after(RETRY_MS, () => this.#subscribeForWatchers(retries + 1));
      },
    );
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
    if (this.#watchers.length === 0) this.#publish(changes);
    else void this.#tell(changes.map(toServerChange)).then(() => this.#publish(changes));
  }

  #publish(changes: readonly Change[]): void {
    if (this.#closed) return;
    for (const change of changes) {
      const message = JSON.stringify({ ...change, from: this.#id });
      this.#bus.publish(TOPIC, message).catch((error: unknown) => {
        this.#logger.warn({ err: error, change }, "a change could not be published to replicas");
      });
    }
  }

  #receive(message: string): void {
    const change = read(message);
    if (change === undefined) {
      this.#logger.warn({}, "a message that is no change came over the event bus");
    } else if (this.#watchers.length === 0 || change.from === this.#id) {
      this.#deliver(change);
    } else {
      void this.#tell([toServerChange(change)]).then(() => this.#deliver(change));
    }
  }

  #deliver({ list, uri }: Change): void {
    for (const listener of this.#listeners) {
      if (uri !== undefined) listener.onResourceUpdated(uri);
      else if (list !== undefined) listener.onListChanged(list);
    }
  }

  /** Resolves when the watchers know these changes and those before; never rejects. */
  #tell(changes: readonly ServerChange[]): Promise<void> {
    // Called at once, and not after those before: what must be forgotten is forgotten in this tick.
    const now = Promise.all(
      this.#watchers.flatMap((watcher) => changes.map(async (change) => watcher(change))),
    );
    const known = within(WATCHER_MS, now).then(
      (inTime) => {
        if (!inTime)
          this.#logger.warn({}, "clients are told of a change that a cache may not know");
      },
      (error: unknown) =>
        this.#logger.warn({ err: error }, "clients are told of a change that a cache may not know"),
    );
    this.#told = Promise.all([this.#told, known]).then(() => {});
    return this.#told;
  }
}

function toServerChange({ list, uri }: Change): ServerChange {
  return uri !== undefined ? { type: "resource", uri } : { type: "list", list: list as ListKind };
}

/** The bus may be one that others write to. */
function read(message: string): Change | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (!isJsonObject(parsed)) return undefined;
  const { list, uri } = parsed;
  if (typeof uri === "string") return parsed as Change;
  return list === "tools" || list === "prompts" || list === "resources"
    ? (parsed as Change)
    : undefined;
}
