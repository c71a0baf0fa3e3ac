import {
  CHANNELS,
  type Clock,
  type KeyValueStore,
  type Logger,
  shareResult,
} from "@backplane/protocol";
import type { CacheStats, Tally } from "./cache-stats.ts";
import { decodeEntry, type Entry, encodeEntry } from "./entry.ts";
import { Flights } from "./internal/flights.ts";

/** What every space of one cache shares. */
export interface CoreOptions {
  readonly name: string;
  readonly defaultTtlMs: number;
  /** Longest entry, in UTF-16 code units. */
  readonly maxEntryLength: number;
  /** Share of a lifetime that is taken away at random, 0 to 1. */
  readonly ttlJitter: number;
  /** How long a load is left to the process that began it, in milliseconds; 0 for not at all. */
  readonly leaseMs: number;
  readonly clock: Pick<Clock, "now" | "after">;
  readonly logger: Logger;
  /** Whether the store is this process's memory, and keys never leave it. */
  readonly isLocal: boolean;
  /** Makes the store, on first use. */
  readonly open: () => OpenedStore | Promise<OpenedStore>;
}

/** The store, and where leases are kept, which must be the shared one itself. */
export interface OpenedStore {
  readonly store: KeyValueStore;
  readonly leases: KeyValueStore | undefined;
}

/** What a look-up found. */
export interface Found {
  readonly entry: Entry | undefined;
  /** The versions of the tags that were asked for, as far as there are any. */
  readonly versions: ReadonlyMap<string, string>;
}

/** A value of a cache that is in this process alone, parsed and frozen. */
export interface Hot {
  readonly value: object;
  readonly freshUntilMs: number;
  /** How much had been forgotten when it was read; later, it may be among that. */
  readonly generation: number;
}

/** What is asked for again and again, beside the store; all of it at once goes when it is too much. */
const MAX_HOT = 5_000;
/** Those are held twice, as text and as objects. */
const MAX_HOT_LENGTH = 4_096;

/** A tag's version lives longer than what it is on; when it ends, that is a miss. */
const TAG_TTL_MS = 30 * 24 * 3_600_000;
/** How often a process asks whether another has loaded what it waits for. */
const LEASE_POLL_MS = 20;
const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

/** Reads and writes entries; knows nothing of namespaces and values. Keys are whole store keys without their kind. */
export class CacheCore {
  readonly options: CoreOptions;
  readonly flights: Flights<Entry> = new Flights();
  readonly tally: Tally = { hits: 0, stale: 0, negative: 0, misses: 0, loads: 0, loadFailures: 0 };
  readonly #hot = new Map<string, Map<string, Hot>>();
  #generation = 0;
  #opened: OpenedStore | undefined;
  #opening: Promise<OpenedStore> | undefined;
  #closed = false;

  constructor(options: CoreOptions) {
    this.options = options;
  }

  /** @throws what keeps the store from being made: a package that is missing. */
  open(): OpenedStore | Promise<OpenedStore> {
    if (this.#closed) throw new Error("MCPCache: used after close");
    if (this.#opened !== undefined) return this.#opened;
    if (this.#opening !== undefined) return this.#opening;
    const opened = this.options.open();
    if (!(opened instanceof Promise)) {
      this.#opened = opened;
      return opened;
    }
    this.#opening = this.#opens(opened);
    return this.#opening;
  }

  /** How often something was forgotten. */
  get generation(): number {
    return this.#generation;
  }

  /** A value that is surely what the store has: only where nobody else changes it. */
  hot(space: string, key: string): Hot | undefined {
    const hot = this.#hot.get(space)?.get(key);
    if (hot?.generation !== this.#generation) return undefined;
    return this.options.clock.now() < hot.freshUntilMs ? hot : undefined;
  }

  /** @param value is frozen, all the way down. */
  heat(space: string, key: string, entry: Entry, value: object, generation: number): void {
    if (!this.options.isLocal || (entry.json?.length ?? 0) > MAX_HOT_LENGTH) return;
    let values = this.#hot.get(space);
    if (values === undefined) {
      values = new Map();
      this.#hot.set(space, values);
    }
    // To know which was used longest ago would cost each use what it saves.
    if (values.size >= MAX_HOT) values.clear();
    values.set(key, {
      value: freeze(shareResult(value)),
      freshUntilMs: entry.freshUntilMs,
      generation,
    });
  }

  async #opens(opening: Promise<OpenedStore>): Promise<OpenedStore> {
    try {
      this.#opened = await opening;
      return this.#opened;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async read(space: string, key: string, tags: readonly string[]): Promise<Found> {
    const { store } = this.#opened ?? (await this.open());
    const entryKey = `${space}e:${key}`;
    const keys = [entryKey];
    for (const tag of tags) keys.push(tagKey(space, tag));
    const texts = await store.getMany(keys);
    const [text] = texts;
    const entry = text === undefined ? undefined : decodeEntry(entryKey, text);
    if (tags.length === 0 && entry?.tags === undefined) return { entry, versions: NO_VERSIONS };
    const versions = new Map<string, string>();
    for (const [index, tag] of tags.entries()) {
      const version = texts[index + 1];
      if (version !== undefined) versions.set(tag, version);
    }
    if (entry?.tags === undefined) return { entry, versions };
    return { entry: await this.#current(store, space, entry, versions), versions };
  }

  /** Undefined when one of its tags has another version now, or none. */
  async #current(
    store: KeyValueStore,
    space: string,
    entry: Entry,
    versions: ReadonlyMap<string, string>,
  ): Promise<Entry | undefined> {
    const unknown: string[] = [];
    for (const [tag, version] of Object.entries(entry.tags ?? {})) {
      const now = versions.get(tag);
      if (now === undefined) unknown.push(tag);
      else if (now !== version) return undefined;
    }
    if (unknown.length === 0) return entry;
    const found = await store.getMany(unknown.map((tag) => tagKey(space, tag)));
    return found.every((version, index) => version === entry.tags?.[unknown[index] as string])
      ? entry
      : undefined;
  }

  /**
   * The versions that a value will be kept under. Taken before it is loaded: an invalidation after that makes
   * the value a miss, however late it is written.
   */
  async versionsOf(
    space: string,
    tags: readonly string[],
    known: ReadonlyMap<string, string>,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    if (tags.length === 0) return undefined;
    const { store } = this.#opened ?? (await this.open());
    const versions: Record<string, string> = Object.create(null);
    for (const tag of tags)
      versions[tag] = known.get(tag) ?? (await newVersion(store, tagKey(space, tag)));
    return versions;
  }

  /** Keeps an entry, unless it is too large. */
  async write(space: string, key: string, entry: Entry, keepMs: number): Promise<void> {
    this.#hot.get(space)?.delete(key);
    const { store } = this.#opened ?? (await this.open());
    const entryKey = `${space}e:${key}`;
    const text = encodeEntry(entryKey, entry);
    if (text.length > this.options.maxEntryLength) await store.delete([entryKey]);
    else await store.set(entryKey, text, keepMs);
  }

  async delete(space: string, keys: readonly string[]): Promise<void> {
    this.#generation++;
    const { store } = this.#opened ?? (await this.open());
    for (const key of keys) this.flights.supersede(space + key);
    await store.delete(keys.map((key) => `${space}e:${key}`));
  }

  /** A tag without a version fits no entry: to forget the version is to forget all that carries it. */
  async invalidate(space: string, tags: readonly string[]): Promise<void> {
    this.#generation++;
    const { store } = this.#opened ?? (await this.open());
    this.flights.supersedeAll(space, tags);
    await store.delete(tags.map((tag) => tagKey(space, tag)));
  }

  async clear(space: string): Promise<void> {
    this.#generation++;
    const { store } = this.#opened ?? (await this.open());
    this.flights.supersedeAll(space);
    await store.clear(space);
  }

  /**
   * Waits while another process loads the same.
   * @returns what it loaded, or undefined when this process has to, with the lease's release.
   */
  async lease(
    space: string,
    key: string,
    signal: AbortSignal,
    look: () => Promise<Entry | undefined>,
  ): Promise<{ readonly entry?: Entry | undefined; readonly release?: () => void }> {
    const { leaseMs, clock } = this.options;
    const { leases } = this.#opened ?? (await this.open());
    if (leases === undefined || leaseMs === 0) return {};
    const leaseKey = `${space}l:${key}`;
    const untilMs = clock.now() + leaseMs;
    for (;;) {
      if (await leases.setIfAbsent(leaseKey, "1", leaseMs)) {
        const release = (): void => {
          // Past its end it may be another's.
          if (clock.now() < untilMs) leases.delete([leaseKey]).catch(() => {});
        };
        return { release };
      }
      await new Promise<void>((resolve) => clock.after(LEASE_POLL_MS, resolve));
      const entry = await look();
      if (entry !== undefined) return { entry };
      // A holder that is slower than its lease, or dead: better twice than not at all.
      if (signal.aborted || clock.now() >= untilMs) return {};
    }
  }

  publishLookup(cache: string, serverId: string | undefined, outcome: keyof typeof COUNTER): void {
    this.tally[COUNTER[outcome]]++;
    if (CHANNELS.cacheLookup.hasSubscribers) {
      CHANNELS.cacheLookup.publish({ serverId, cache, outcome });
    }
  }

  stats(degraded: boolean): CacheStats {
    return { ...this.tally, degraded };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opened = this.#opened ?? (await this.#opening?.catch(() => undefined));
    this.#opened = undefined;
    this.#hot.clear();
    await opened?.store.close();
  }
}

const COUNTER = { hit: "hits", stale: "stale", negative: "negative", miss: "misses" } as const;

function tagKey(space: string, tag: string): string {
  return `${space}t:${tag}`;
}

async function newVersion(store: KeyValueStore, key: string): Promise<string> {
  const version = globalThis.crypto.randomUUID();
  if (await store.setIfAbsent(key, version, TAG_TTL_MS)) return version;
  const [other] = await store.getMany([key]);
  // Gone again: then this value is a miss, which is what an invalidation means.
  return other ?? version;
}

function freeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value) as unknown[]) {
    if (typeof member === "object" && member !== null) freeze(member);
  }
  return Object.freeze(value);
}
