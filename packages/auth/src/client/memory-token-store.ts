import { wholeNumber } from "@backplane/protocol";
import {
  type CredentialKey,
  type CredentialRecord,
  credentialKeyText,
  type TokenStore,
  type Versioned,
} from "./token-store.ts";

/** Bounds of {@link createMemoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /** Records held at once; the one written longest ago makes room. Default 1,000; at least 1. */
  readonly maxRecords?: number;
}

class MemoryTokenStore implements TokenStore {
  // Insertion order is the order of writing.
  readonly #records = new Map<string, { readonly text: string; readonly version: string }>();
  readonly #maxRecords: number;
  #writes = 0;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  async get<Key extends CredentialKey>(
    key: Key,
  ): Promise<Versioned<CredentialRecord<Key>> | undefined> {
    const found = this.#records.get(credentialKeyText(key));
    return found && { record: JSON.parse(found.text), version: found.version };
  }

  async set<Key extends CredentialKey>(
    key: Key,
    record: CredentialRecord<Key>,
    version: string | undefined,
  ): Promise<boolean> {
    const name = credentialKeyText(key);
    if (this.#records.get(name)?.version !== version) return false;
    this.#records.delete(name);
    this.#records.set(name, { text: JSON.stringify(record), version: String(++this.#writes) });
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= this.#maxRecords) break;
      this.#records.delete(oldest);
    }
    return true;
  }

  async delete(key: CredentialKey, version: string): Promise<boolean> {
    const name = credentialKeyText(key);
    if (this.#records.get(name)?.version !== version) return false;
    return this.#records.delete(name);
  }
}

/**
 * Credentials in this process's memory: gone when it ends, and not in any log or dump of the object.
 *
 * @throws {TypeError} when the bound is not a whole number of at least 1.
 */
export function createMemoryTokenStore(options: MemoryTokenStoreOptions = {}): TokenStore {
  return new MemoryTokenStore(
    wholeNumber("createMemoryTokenStore", "maxRecords", options.maxRecords ?? 1_000),
  );
}
