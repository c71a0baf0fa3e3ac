import type { KeyValueStore } from "@backplane/protocol";
import { createMemoryStore, type MemoryStoreOptions } from "./memory-store.ts";

/** A fault: what a store does in another way than it must. */
export type Plant = (store: KeyValueStore) => Partial<KeyValueStore>;

/** A store in memory with a fault, which a suite has to find. */
export function plantedStore(plant: Plant, options: MemoryStoreOptions = {}): KeyValueStore {
  const store = createMemoryStore(options);
  return {
    shared: false,
    getMany: (keys) => store.getMany(keys),
    set: (key, value, ttlMs) => store.set(key, value, ttlMs),
    setIfAbsent: (key, value, ttlMs) => store.setIfAbsent(key, value, ttlMs),
    delete: (keys) => store.delete(keys),
    clear: (prefix) => store.clear(prefix),
    close: () => store.close(),
    ...plant(store),
  };
}
