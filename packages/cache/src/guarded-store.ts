import type { Clock, KeyValueStore, Logger } from "@backplane/protocol";
import { Deadlines, StoreTimeoutError } from "./internal/deadlines.ts";

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
/** What a probe writes: the answer to another key has not this form. */
const PROBE = /^probe [0-9a-f-]{36}$/;

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
  /** How many writes of a key were given up and are still under way. */
  readonly #overdue = new Map<string, number>();
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
      const texts = checkTexts(await this.#limit(store.getMany(keys)), keys.length);
      this.#failedReads = 0;
      // It may have gone away meanwhile, and a key been changed: what was read is older.
      if (this.#away) return fallback.getMany(keys);
      if (this.#overdue.size === 0) return texts;
      return texts.map((text, index) =>
        this.#overdue.has(keys[index] as string) ? undefined : text,
      );
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
    if (!this.#away) {
      try {
        await this.#whileItAnswers(store.clear(prefix));
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

  #limit<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return this.#deadlines.limit(this.#parts.timeoutMs, answer);
  }

  /**
   * What takes as many round trips as there are keys, which the deadline of one operation says nothing about: it is
   * waited for as long as the store answers something else in time.
   * @throws what the store fails with, in this or in that.
   */
  async #whileItAnswers(work: Promise<void>): Promise<void> {
    const { clock, timeoutMs } = this.#parts;
    const done = work.then(() => true);
    for (;;) {
      let cancel = (): void => {};
      const pause = new Promise<boolean>((resolve) => {
        cancel = clock.after(timeoutMs, () => resolve(false));
      });
      const isDone = await Promise.race([done, pause]).finally(cancel);
      if (isDone) return;
      await this.#probe();
    }
  }

  /** @returns whether the store has it; if not, the keys are remembered. */
  async #write(keys: readonly string[], run: () => Promise<void>): Promise<boolean> {
    if (!this.#away) {
      let write: Promise<void> | undefined;
      try {
        write = run();
        await this.#limit(write);
        if (!this.#away) return true;
      } catch (error) {
        if (error instanceof StoreTimeoutError) this.#awaitEnd(keys, write as Promise<void>);
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

  /**
   * A write that was given up may still come to pass, after the store is back and the key has been changed again:
   * until it has ended its keys are not believed, and then they are deleted.
   */
  #awaitEnd(keys: readonly string[], write: Promise<void>): void {
    for (const key of keys) this.#overdue.set(key, (this.#overdue.get(key) ?? 0) + 1);
    const end = async (): Promise<void> => {
      if (this.#closed) return;
      await this.#write(keys, () => this.#parts.store.delete(keys));
      for (const key of keys) {
        const others = (this.#overdue.get(key) ?? 0) - 1;
        if (others > 0) this.#overdue.set(key, others);
        else this.#overdue.delete(key);
      }
    };
    write.then(end, end);
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
    if (this.#overdue.size > MAX_UNSAVED) throw new Error("too many writes have not ended");
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
        await this.#limit(store.delete(keys));
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
    const sent = `probe ${globalThis.crypto.randomUUID()}`;
    await this.#limit(store.set(PROBE_KEY, sent, PROBE_TTL_MS));
    // Replicas of this process write the same key: any of their values will do.
    const [back] = checkTexts(await this.#limit(store.getMany([PROBE_KEY])), 1);
    if (back === undefined || !PROBE.test(back)) {
      throw new Error("what was written did not come back");
    }
  }
}

/** @throws {TypeError} for what is no answer to so many keys: a store of somebody's own may give anything. */
function checkTexts(texts: unknown, count: number): readonly (string | undefined)[] {
  if (!Array.isArray(texts) || texts.length !== count) {
    throw new TypeError(`a store must give one answer for each of ${count} keys`);
  }
  for (const text of texts as unknown[]) {
    if (text !== undefined && typeof text !== "string") {
      throw new TypeError(`a store must give texts and undefined, not ${typeof text}`);
    }
  }
  return texts;
}
