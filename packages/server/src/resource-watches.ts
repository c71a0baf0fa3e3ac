import { type Clock, type Logger, within } from "@backplane/protocol";
import type { ChangeFeed } from "./change-feed.ts";
import type { RegisteredProvider } from "./provider-registration.ts";
import type { Registry } from "./registry.ts";
import type { StopWatching } from "./resource-provider.ts";

/** What several notices of one change come to within this time is one notification: an editor writes thrice. */
const COALESCE_MS = 50;
/** How long a subscriber waits for its watch to begin before it is told that it has subscribed. */
const START_MS = 5_000;
/** How soon a watch that could not begin is tried again; twice as late each time. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 15_000;

export interface ResourceWatchesParts {
  readonly registry: Registry;
  readonly changes: ChangeFeed;
  readonly logger: Logger;
  readonly clock: Clock;
  /** URIs that one principal may be told of at this server object. */
  readonly maxPerOwner: number;
}

/** One watch of one provider, for however many subscribers. */
interface Hold {
  count: number;
  provider: RegisteredProvider | undefined;
  /** Settles, never rejects, when the watch has begun or failed to. */
  started: Promise<void>;
  /** Ends it, also while it begins. */
  end: () => void;
}

/** What of a provider can be watched: one resource, or its list. */
interface Watchable {
  readonly isOffered: (provider: RegisteredProvider) => boolean;
  readonly watch: (provider: RegisteredProvider, onChange: () => void) => Promise<StopWatching>;
}

const LIST = "";

/**
 * Watches the sources of what clients subscribe to: one watch for all subscribers of a URI at this server
 * object, begun with the first and ended with the last. What a watch notices goes over the event bus, so that
 * clients of other server objects hear of it too.
 */
export class ResourceWatches {
  readonly #parts: ResourceWatchesParts;
  /** By URI; lists under a key that is none, one for each provider. */
  readonly #uris = new Map<string, Hold>();
  readonly #lists = new Map<RegisteredProvider, Hold>();
  #listCount = 0;
  readonly #owners = new Map<string, number>();
  readonly #pending = new Set<string>();
  #cancelFlush: (() => void) | undefined;
  readonly #stopping = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: ResourceWatchesParts) {
    this.#parts = parts;
  }

  /** Whether the owner may subscribe to one URI more. */
  hasRoom(owner: string): boolean {
    return (this.#owners.get(owner) ?? 0) < this.#parts.maxPerOwner;
  }

  /** Takes one of the owner's subscriptions, and watches. @returns false when the owner has none left. */
  hold(uri: string, owner: string): boolean {
    if (!this.hasRoom(owner)) return false;
    this.#owners.set(owner, (this.#owners.get(owner) ?? 0) + 1);
    const held = this.#uris.get(uri);
    if (held !== undefined) held.count++;
    else this.#uris.set(uri, this.#begin(this.#find(uri), uriWatch(uri), uri));
    return true;
  }

  release(uri: string, owner: string): void {
    const left = (this.#owners.get(owner) ?? 0) - 1;
    if (left > 0) this.#owners.set(owner, left);
    else this.#owners.delete(owner);
    const held = this.#uris.get(uri);
    if (held === undefined || --held.count > 0) return;
    this.#uris.delete(uri);
    this.#pending.delete(uri);
    held.end();
  }

  /** Somebody wants to know of changed lists. @returns the end of it, idempotent. */
  holdLists(): () => void {
    this.#listCount++;
    if (this.#listCount === 1) this.refresh();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#listCount--;
      if (this.#listCount > 0) return;
      for (const each of this.#lists.values()) each.end();
      this.#lists.clear();
    };
  }

  /** Resolves when the watch of a URI that is held here has begun, or has taken too long for waiting. */
  async started(uri: string): Promise<void> {
    const held = this.#uris.get(uri);
    if (held?.provider !== undefined) await within(START_MS, held.started);
  }

  /** Resolves when the watches of all lists have begun, or have taken too long for waiting. */
  async listsStarted(): Promise<void> {
    if (this.#lists.size === 0) return;
    await within(START_MS, Promise.all([...this.#lists.values()].map((held) => held.started)));
  }

  /** Providers have come or gone. */
  refresh(): void {
    if (this.#closed) return;
    for (const [uri, held] of this.#uris) {
      const provider = this.#find(uri);
      if (provider === held.provider) continue;
      held.end();
      this.#uris.set(uri, { ...this.#begin(provider, uriWatch(uri), uri), count: held.count });
    }
    if (this.#listCount === 0) return;
    const providers = this.#parts.registry.providers.ordered();
    for (const [provider, held] of this.#lists) {
      if (providers.includes(provider)) continue;
      held.end();
      this.#lists.delete(provider);
    }
    for (const provider of providers) {
      if (!this.#lists.has(provider)) {
        this.#lists.set(provider, this.#begin(provider, listWatch, LIST));
      }
    }
  }

  /** Ends every watch, and waits until the providers have ended theirs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelFlush?.();
    for (const held of [...this.#uris.values(), ...this.#lists.values()]) held.end();
    this.#uris.clear();
    this.#lists.clear();
    this.#owners.clear();
    await Promise.all(this.#stopping);
  }

  #find(uri: string): RegisteredProvider | undefined {
    const { registry, logger } = this.#parts;
    return registry.providers.ordered().find(({ key, provider }) => {
      try {
        return provider.locate(uri) !== undefined;
      } catch (error) {
        // Nobody is there to be answered: from here it would end the process.
        logger.warn(
          { err: error, provider: key },
          "a resource provider failed to say whose a URI is",
        );
        return false;
      }
    });
  }

  #begin(provider: RegisteredProvider | undefined, begin: Watchable, key: string): Hold {
    if (provider === undefined || this.#closed || !begin.isOffered(provider)) {
      return { count: 1, provider, started: Promise.resolve(), end: () => {} };
    }
    let ended = false;
    let stop: StopWatching | undefined;
    let cancelRetry: (() => void) | undefined;
    let retryMs = FIRST_RETRY_MS;
    const { logger, clock } = this.#parts;
    const onChange = (): void => {
      if (!ended) this.#changed(key);
    };
    const start = async (): Promise<void> => {
      try {
        const begun = await begin.watch(provider, onChange);
        if (ended) this.#stop(provider, begun);
        else stop = begun;
        // Whatever changed while nobody watched was missed.
        if (retryMs !== FIRST_RETRY_MS) onChange();
      } catch (error) {
        if (ended) return;
        if (retryMs === FIRST_RETRY_MS) {
          logger.warn(
            { err: error, provider: provider.key },
            "a resource provider cannot watch: subscribers are not told of changes until it can",
          );
        }
        cancelRetry = clock.after(retryMs, () => void start());
        retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
      }
    };
    return {
      count: 1,
      provider,
      started: start(),
      end: () => {
        ended = true;
        cancelRetry?.();
        if (stop !== undefined) this.#stop(provider, stop);
        stop = undefined;
      },
    };
  }

  #stop(provider: RegisteredProvider, stop: StopWatching): void {
    const stopped = (async () => stop())().catch((error: unknown) => {
      this.#parts.logger.warn(
        { err: error, provider: provider.key },
        "a resource provider could not end a watch",
      );
    });
    this.#stopping.add(stopped);
    void stopped.finally(() => this.#stopping.delete(stopped));
  }

  #changed(key: string): void {
    if (this.#closed) return;
    this.#pending.add(key);
    this.#cancelFlush ??= this.#parts.clock.after(COALESCE_MS, () => this.#flush());
  }

  #flush(): void {
    this.#cancelFlush = undefined;
    const { changes } = this.#parts;
    for (const key of this.#pending) {
      if (key === LIST) changes.listChanged("resources");
      else changes.resourceUpdated(key);
    }
    this.#pending.clear();
  }
}

function uriWatch(uri: string): Watchable {
  return {
    isOffered: ({ provider }) => provider.watch !== undefined,
    watch: async ({ provider }, onChange) => {
      const known = provider.locate(uri);
      return (known !== undefined && (await provider.watch?.(known, onChange))) || (() => {});
    },
  };
}

const listWatch: Watchable = {
  isOffered: ({ provider }) => provider.watchList !== undefined,
  watch: async ({ provider }, onChange) => (await provider.watchList?.(onChange)) ?? (() => {}),
};

/** Whose subscriptions are counted together: a principal's; the anonymous by address. */
export function subscriptionOwner(principalKey: string, remoteAddress: string | undefined): string {
  return principalKey === "" ? `address ${remoteAddress ?? ""}` : principalKey;
}
