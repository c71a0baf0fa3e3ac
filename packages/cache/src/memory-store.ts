import {
  type Clock,
  checkMembers,
  checkMethods,
  type KeyValueStore,
  monotonicClock,
  wholeNumber,
} from "@backplane/protocol";
import { LRUCache } from "lru-cache";

/** Bounds of {@link createMemoryStore}. */
export interface MemoryStoreOptions {
  /** Texts held at once. Default 10,000; 1 or more. */
  readonly maxEntries?: number;
  /**
   * Of all texts and their keys, two for each UTF-16 code unit. Default 64 MiB; 1 or more. A text that is
   * larger by itself is not kept.
   */
  readonly maxBytes?: number;
  /** Default: time that no correction of the wall clock moves. */
  readonly clock?: Pick<Clock, "now">;
}

const SUBJECT = "createMemoryStore";

class MemoryStore implements KeyValueStore {
  readonly shared: boolean = false;
  readonly #texts: LRUCache<string, string>;

  constructor({ maxEntries, maxBytes, clock }: Required<MemoryStoreOptions>) {
    this.#texts = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: (text, key) => (text.length + key.length + 1) * 2,
      // Without a resolution there is no timer, and a text ends when it says.
      ttlResolution: 0,
      perf: clock,
    });
  }

  async getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    // A call of `map` costs as much as the look-up.
    const texts: (string | undefined)[] = [];
    for (const key of keys) texts.push(this.#texts.get(key));
    return texts;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#texts.set(key, value, { ttl: ttlMs });
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    if (this.#texts.has(key)) return false;
    this.#texts.set(key, value, { ttl: ttlMs });
    return true;
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#texts.delete(key);
  }

  async clear(prefix: string): Promise<void> {
    if (prefix === "") {
      this.#texts.clear();
      return;
    }
    for (const key of [...this.#texts.keys()]) {
      if (key.startsWith(prefix)) this.#texts.delete(key);
    }
  }

  async close(): Promise<void> {
    this.#texts.clear();
  }
}

/**
 * Texts in this process's memory. When one more would pass a bound, the one used longest ago goes.
 * @throws {TypeError} that names the option.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): KeyValueStore {
  checkMembers(SUBJECT, options, ["maxEntries", "maxBytes", "clock"]);
  checkMethods(SUBJECT, "clock", options.clock, ["now"]);
  return new MemoryStore({
    maxEntries: wholeNumber(SUBJECT, "maxEntries", options.maxEntries ?? 10_000),
    maxBytes: wholeNumber(SUBJECT, "maxBytes", options.maxBytes ?? 64 * 1024 * 1024),
    clock: options.clock ?? monotonicClock,
  });
}
