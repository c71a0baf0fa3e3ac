import type { Clock, KeyValueStore, Logger } from "@backplane/protocol";
import { Deadlines } from "./internal/deadlines.ts";

/** What a {@link GuardedStore} is made of. */
export interface GuardedStoreParts {
  /** What may be away. */
  readonly store: KeyValueStore;
  /** Serves meanwhile; forgotten afterwards. */
  readonly fallback: KeyValueStore;
  /** How long the store may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a store that failed is left alone before it is tried again, in milliseconds. */
  readonly retryMs: number;
  readonly clock: Pick<Clock, "now" | "after">;
  readonly logger: Logger;
  /** Learns of each change, once. */
  readonly onState: (degraded: boolean, error: unknown) => void;
}

/** Reads that fail one after the other before the store counts as away. A write that fails is enough. */
const FAILED_READS = 2;
/** Changes that are remembered while the store is away; with more, it is emptied when it is back. */
const MAX_UNSAVED = 10_000;
const REPLAY_BATCH = 500;
const PROBE_KEY = "probe";
const PROBE_TTL_MS = 10_000;

/**
 * A store that may be away, behind a deadline and a breaker: nothing waits for it longer than `timeoutMs`, and
 * once it has failed nothing asks it until it takes a write and gives it back again. Memory serves meanwhile.
 * What was written or forgotten meanwhile is deleted from it first, so that nothing old comes back to life.
 * It never rejects.
 */
export class GuardedStore implements KeyValueStore {
  readonly shared: boolean;
  readonly #parts: GuardedStoreParts;
  readonly #deadlines: Deadlines;
  /** Keys whose text in the store is not to be believed. */
  readonly #unsaved = new Set<string>();
  readonly #uncleared = new Set<string>();
  #failedReads = 0;
  #away = false;
  #error: unknown;
  #closed = false;
  #cancelRetry: (() => void) | undefined;

  constructor(parts: GuardedStoreParts) {
    this.#parts = parts;
    this.shared = parts.store.shared;
    this.#deadlines = new Deadlines(parts.clock);
  }

  get degraded(): boolean {
    return this.#away;
  }

  /** What the store failed with last, while it is away. */
  get error(): unknown {
    return this.#error;
  }

  async getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    const { store, fallback } = this.#parts;
    if (this.#away) return fallback.getMany(keys);
    try {
      const texts = await this.#limit(() => store.getMany(keys));
      this.#failedReads = 0;
      // It may have gone away meanwhile, and a key been changed: what was read is older.
      return this.#away ? fallback.getMany(keys) : texts;
    } catch (error) {
      if (++this.#failedReads >= FAILED_READS) this.#leave(error);
      return fallback.getMany(keys);
    }
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const { store, fallback } = this.#parts;
    if (await this.#write([key], () => store.set(key, value, ttlMs))) return;
    await fallback.set(key, value, ttlMs);
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    const { store, fallback } = this.#parts;
    let absent = false;
    const written = await this.#write([key], async () => {
      absent = await store.setIfAbsent(key, value, ttlMs);
    });
    return written ? absent : fallback.setIfAbsent(key, value, ttlMs);
  }

  async delete(keys: readonly string[]): Promise<void> {
    const { store, fallback } = this.#parts;
    if (await this.#write(keys, () => store.delete(keys))) return;
    await fallback.delete(keys);
  }

  async clear(prefix: string): Promise<void> {
    const { store, fallback } = this.#parts;
    // It takes as many round trips as there are keys: the deadline of one operation says nothing about it.
    if (!this.#away) {
      try {
        await store.clear(prefix);
        return;
      } catch (error) {
        this.#leave(error);
      }
    }
    this.#uncleared.add(prefix);
    await fallback.clear(prefix);
  }

  /** Tries the store if it does not count as away: an idle process finds out as well. */
  async check(): Promise<void> {
    if (this.#away || this.#closed) return;
    try {
      await this.#probe();
    } catch (error) {
      this.#leave(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#deadlines.close();
    await Promise.all([this.#parts.store.close(), this.#parts.fallback.close()]);
  }

  #limit<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    return this.#deadlines.limit(this.#parts.timeoutMs, run);
  }

  /** @returns whether the store has it; if not, the keys are remembered. */
  async #write(keys: readonly string[], run: () => Promise<void>): Promise<boolean> {
    if (!this.#away) {
      try {
        await this.#limit(run);
        if (!this.#away) return true;
      } catch (error) {
        this.#leave(error);
      }
    }
    for (const key of keys) this.#unsaved.add(key);
    if (this.#unsaved.size > MAX_UNSAVED) {
      this.#unsaved.clear();
      this.#uncleared.add("");
    }
    return false;
  }

  #leave(error: unknown): void {
    this.#error = error;
    if (this.#away || this.#closed) return;
    this.#away = true;
    this.#parts.logger.warn(
      { err: error },
      "the shared cache store is away; memory serves until it is back",
    );
    this.#parts.onState(true, error);
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#cancelRetry = this.#parts.clock.after(this.#parts.retryMs, () => {
      this.#comeBack().catch((error: unknown) => {
        this.#error = error;
        this.#retryLater();
      });
    });
  }

  async #comeBack(): Promise<void> {
    const { store, fallback, logger, onState } = this.#parts;
    await this.#probe();
    // What comes in meanwhile is remembered too, so the last look and the switch are one step.
    while (this.#unsaved.size > 0 || this.#uncleared.size > 0) {
      for (const prefix of this.#uncleared) {
        await store.clear(prefix);
        this.#uncleared.delete(prefix);
      }
      const keys = [...this.#unsaved].slice(0, REPLAY_BATCH);
      // Taken out first: one that is changed again meanwhile comes back in.
      for (const key of keys) this.#unsaved.delete(key);
      try {
        await this.#limit(() => store.delete(keys));
      } catch (error) {
        for (const key of keys) this.#unsaved.add(key);
        throw error;
      }
    }
    if (this.#closed) return;
    this.#away = false;
    this.#failedReads = 0;
    this.#error = undefined;
    logger.info({}, "the shared cache store is back");
    onState(false, undefined);
    await fallback.clear("");
  }

  /** A write, because a store may answer and yet refuse everything new: full, or a replica. */
  async #probe(): Promise<void> {
    const { store } = this.#parts;
    const sent = globalThis.crypto.randomUUID();
    await this.#limit(() => store.set(PROBE_KEY, sent, PROBE_TTL_MS));
    // Replicas of this process write the same key: any of their values will do.
    const [back] = await this.#limit(() => store.getMany([PROBE_KEY]));
    if (back === undefined) throw new Error("what was written did not come back");
  }
}
