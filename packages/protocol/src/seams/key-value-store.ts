/**
 * Texts by key, each with an end: what caches stand on. A store may lose anything at any time; it must never
 * answer with what it was told to forget, nor with what belongs to another key.
 */
export interface KeyValueStore {
  /** Whether other processes see what is written here. */
  readonly shared: boolean;
  /** The texts in the order of the keys; undefined where there is none. One round trip, however many keys. */
  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** @param ttlMs when it ends; a whole number of 1 or more. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Atomic. @returns whether there was none before. */
  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean>;
  /** Forgets; unknown keys are ignored. */
  delete(keys: readonly string[]): Promise<void>;
  /** Forgets every key that begins so, and no other. The empty prefix stands for all of this store's keys. */
  clear(prefix: string): Promise<void>;
  close(): Promise<void>;
}
