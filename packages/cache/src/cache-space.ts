import { sha256 } from "@backplane/protocol";
import type { CacheCore, Found } from "./cache-core.ts";
import {
  type GetOrSetOptions,
  type LoadContext,
  type ResolvedGetOrSet,
  resolveGetOrSet,
  resolveSet,
  type SetOptions,
  tagsOf,
} from "./cache-options.ts";
import { type Entry, NO_VALUE, parse } from "./entry.ts";
import type { FlightState } from "./internal/flights.ts";

/** Values by key, in a namespace of their own. */
export interface Cache {
  /**
   * The kept value while it is fresh, a copy of the caller's own; undefined when there is none.
   * @typeParam Value what the caller kept under the key: nothing checks it.
   */
  get<Value = unknown>(key: string): Promise<Value | undefined>;
  /** Keeps what JSON makes of a value. @throws {TypeError} for a value that JSON cannot carry. */
  set(key: string, value: unknown, options?: SetOptions): Promise<void>;
  /** Forgets one key or several, and keeps nothing that is being loaded for them here. */
  delete(...keys: readonly string[]): Promise<void>;
  /**
   * The kept value, or what `load` gives, which is kept: what JSON makes of it, for everybody who asked alike.
   * All who ask for one key at once share one load. @throws what `load` throws, unless `graceMs` covers it.
   */
  getOrSet<Value>(
    key: string,
    load: (context: LoadContext) => Value | Promise<Value>,
    options?: GetOrSetOptions,
  ): Promise<Value>;
  /** Makes a miss of every value with one of the tags, those that are being loaded now included. */
  invalidateTags(...tags: readonly string[]): Promise<void>;
  /** A cache inside this one: its keys, its tags and its `clear` reach no other. 1 to 64 of `[A-Za-z0-9_.-]`. */
  namespace(name: string): Cache;
  /** Forgets everything in this namespace and those inside it. */
  clear(): Promise<void>;
}

/** Somebody who asks through the interceptor, beyond what {@link Cache} knows. */
export interface Asking {
  readonly ttlMs: number;
  readonly tags: readonly string[];
  readonly serverId: string;
  /** Whether a kept value is one that this caller could have kept. */
  accepts(value: unknown): boolean;
  cancelled(): boolean;
  load(): Promise<unknown>;
}

const ONCE = {
  staleWhileRevalidateMs: 0,
  graceMs: 0,
  negativeTtlMs: 0,
  signal: undefined,
} as const;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
/** Longer keys stand as their digest: a store's key is no place for a document. */
const MAX_PLAIN_KEY = 256;
const NO_TAGS: readonly string[] = Object.freeze([]);

/** One namespace of a cache. */
export class CacheSpace implements Cache {
  readonly #core: CacheCore;
  /** Begins each store key: empty, or `n/name/`, which no key of another kind begins with. */
  readonly #space: string;
  /** The cache's name and those of its namespaces, for whoever counts. */
  readonly #label: string;

  constructor(core: CacheCore, space: string, label: string) {
    this.#core = core;
    this.#space = space;
    this.#label = label;
  }

  async get<Value = unknown>(key: string): Promise<Value | undefined> {
    const { entry } = await this.#core.read(this.#space, keyOf("get", key), NO_TAGS);
    const value = entry !== undefined && this.#isFresh(entry) ? readValue(entry) : NO_VALUE;
    const outcome = value === NO_VALUE ? "miss" : value === undefined ? "negative" : "hit";
    this.#core.publishLookup(this.#label, undefined, outcome);
    return value === NO_VALUE ? undefined : (value as Value);
  }

  async set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    const plain = keyOf("set", key);
    const { ttlMs, tags } = resolveSet("set", options, this.#core.options.defaultTtlMs);
    const json: string | undefined = JSON.stringify(value);
    if (json === undefined) {
      throw new TypeError(`set: a value of type ${typeof value} cannot be kept, JSON has none`);
    }
    this.#core.flights.supersede(this.#space + plain);
    const versions = await this.#core.versionsOf(this.#space, tags, new Map());
    await this.#keep(plain, { json, tags: versions }, ttlMs, 0);
  }

  async delete(...keys: readonly string[]): Promise<void> {
    await this.#core.delete(
      this.#space,
      keys.map((key) => keyOf("delete", key)),
    );
  }

  async getOrSet<Value>(
    key: string,
    load: (context: LoadContext) => Value | Promise<Value>,
    options?: GetOrSetOptions,
  ): Promise<Value> {
    const plain = keyOf("getOrSet", key);
    if (typeof load !== "function") throw new TypeError("getOrSet: no function to load with");
    const resolved = resolveGetOrSet("getOrSet", options, this.#core.options.defaultTtlMs);
    const found = await this.#core.read(this.#space, plain, resolved.tags);
    const { entry } = found;
    const kept = entry === undefined ? NO_VALUE : readValue(entry);
    if (entry !== undefined && kept !== NO_VALUE) {
      if (this.#isFresh(entry)) {
        this.#core.publishLookup(this.#label, undefined, kept === undefined ? "negative" : "hit");
        return kept as Value;
      }
      if (this.#isWithin(entry, resolved.staleWhileRevalidateMs)) {
        this.#core.publishLookup(this.#label, undefined, "stale");
        // Nobody waits for it: a failure shows in the counters, and leaves the old value for as long as it may.
        this.#fly(plain, load, resolved, found).catch(() => {});
        return kept as Value;
      }
    }
    this.#core.publishLookup(this.#label, undefined, "miss");
    try {
      return readValue(await this.#fly(plain, load, resolved, found, resolved.signal)) as Value;
    } catch (error) {
      const inGrace =
        entry !== undefined && kept !== NO_VALUE && this.#isWithin(entry, resolved.graceMs);
      if (!inGrace || resolved.signal?.aborted === true) throw error;
      this.#core.publishLookup(this.#label, undefined, "stale");
      return kept as Value;
    }
  }

  /** For the interceptor: what is surely kept under a key, frozen, without a look into the store. */
  hot(key: string, serverId: string): object | undefined {
    const hot = this.#core.hot(this.#space, key);
    if (hot === undefined) return undefined;
    this.#core.publishLookup(this.#label, serverId, "hit");
    return hot.value;
  }

  /** For the interceptor: a kept value that it accepts, or what its load gives. Not to be changed. */
  async lookup(key: string, asking: Asking): Promise<unknown> {
    const { tags, ttlMs, serverId } = asking;
    const { generation } = this.#core;
    const found = await this.#core.read(this.#space, key, tags);
    const { entry } = found;
    if (entry !== undefined && this.#isFresh(entry)) {
      const value = readValue(entry);
      if (asking.accepts(value)) {
        this.#core.publishLookup(this.#label, serverId, "hit");
        this.#core.heat(this.#space, key, entry, value as object, generation);
        return value;
      }
    }
    this.#core.publishLookup(this.#label, serverId, "miss");
    const accepts = (value: unknown): boolean => asking.accepts(value);
    const load = (): Promise<unknown> => asking.load();
    const loaded = await this.#core.flights.join(
      this.#space + key,
      {
        load: (flight) => this.#load(key, load, { ...ONCE, ttlMs, tags }, found, flight, accepts),
        cancelled: () => asking.cancelled(),
      },
      tags,
    );
    return readValue(loaded);
  }

  /** Whether keys never leave this process. */
  get isLocal(): boolean {
    return this.#core.options.isLocal;
  }

  async invalidateTags(...tags: readonly string[]): Promise<void> {
    if (tags.length > 0) await this.#core.invalidate(this.#space, tagsOf("invalidateTags", tags));
  }

  namespace(name: string): CacheSpace {
    if (typeof name !== "string" || !NAME.test(name)) {
      throw new TypeError(
        `namespace: the name must be 1 to 64 of letters, digits, "_", "." and "-", not "${String(name).slice(0, 80)}"`,
      );
    }
    return new CacheSpace(this.#core, `${this.#space}n/${name}/`, `${this.#label}/${name}`);
  }

  async clear(): Promise<void> {
    await this.#core.clear(this.#space);
  }

  #fly(
    key: string,
    load: (context: LoadContext) => unknown,
    options: ResolvedGetOrSet,
    found: Found,
    signal?: AbortSignal,
  ): Promise<Entry> {
    return this.#core.flights.join(
      this.#space + key,
      { load: (flight) => this.#load(key, load, options, found, flight), signal },
      options.tags,
    );
  }

  /** Loads and keeps, unless another process is at it. */
  async #load(
    key: string,
    load: (context: LoadContext) => unknown,
    options: ResolvedGetOrSet,
    found: Found,
    flight: FlightState,
    accepts?: (value: unknown) => boolean,
  ): Promise<Entry> {
    const look = async (): Promise<Entry | undefined> => {
      const { entry } = await this.#core.read(this.#space, key, options.tags);
      if (entry === undefined || !this.#isFresh(entry)) return undefined;
      const value = readValue(entry);
      return value !== NO_VALUE && accepts?.(value) !== false ? entry : undefined;
    };
    const { entry, release } = await this.#core.lease(this.#space, key, flight.signal, look);
    if (entry !== undefined) return entry;
    try {
      const tags = await this.#core.versionsOf(this.#space, options.tags, found.versions);
      this.#core.tally.loads++;
      const value = await this.#run(load, flight.signal);
      const json: string | undefined = JSON.stringify(value);
      const ttlMs = json === undefined ? options.negativeTtlMs : options.ttlMs;
      if (ttlMs === 0 || flight.superseded) return { freshUntilMs: 0, json, tags };
      const extraMs = Math.max(options.staleWhileRevalidateMs, options.graceMs);
      return await this.#keep(key, { json, tags }, ttlMs, extraMs);
    } finally {
      release?.();
    }
  }

  async #run(load: (context: LoadContext) => unknown, signal: AbortSignal): Promise<unknown> {
    try {
      return await load({ signal });
    } catch (error) {
      this.#core.tally.loadFailures++;
      throw error;
    }
  }

  async #keep(
    key: string,
    { json, tags }: Pick<Entry, "json" | "tags">,
    ttlMs: number,
    extraMs: number,
  ): Promise<Entry> {
    const { ttlJitter, clock } = this.#core.options;
    const livesMs = Math.max(1, Math.round(ttlMs * (1 - ttlJitter * Math.random())));
    const entry: Entry = { freshUntilMs: Math.ceil(clock.now()) + livesMs, json, tags };
    await this.#core.write(this.#space, key, entry, livesMs + extraMs);
    return entry;
  }

  #isFresh(entry: Entry): boolean {
    return this.#core.options.clock.now() < entry.freshUntilMs;
  }

  #isWithin(entry: Entry, spanMs: number): boolean {
    return spanMs > 0 && this.#core.options.clock.now() < entry.freshUntilMs + spanMs;
  }
}

/** A copy of the caller's own; undefined for a kept "there is none", `NO_VALUE` for text that is no JSON. */
function readValue({ json }: Entry): unknown {
  return json === undefined ? undefined : parse(json);
}

/** @throws {TypeError} for what is no key. */
function keyOf(method: string, key: string): string {
  if (typeof key !== "string" || key === "") {
    throw new TypeError(`${method}: the key must be a non-empty string`);
  }
  return key.length <= MAX_PLAIN_KEY && !key.startsWith("#") ? key : `#${sha256(key)}`;
}
