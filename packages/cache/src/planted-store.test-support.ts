import type { KeyValueStore } from "@backplane/protocol";
import { createMemoryStore, type MemoryStoreOptions } from "./memory-store.ts";

/** What a store does in another way than one in memory: a fault, or what makes it a stand-in. */
export type Plant = (store: KeyValueStore) => Partial<KeyValueStore>;

/** A store in memory but for that, such as a fault that a suite has to find. */
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
