import {
  type Clock,
  checkMembers,
  checkMethods,
  type EventBus,
  isJsonObject,
  type KeyValueStore,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";

/** What {@link createTieredStore} takes. */
export interface TieredStoreOptions {
  /** In front: this process's own. */
  readonly local: KeyValueStore;
  /** Behind: the one that all processes share. */
  readonly shared: KeyValueStore;
  /** Tells the other processes what to forget. All of them share it, and use the same `topic`. */
  readonly bus: EventBus;
  /** Default `cache`. */
  readonly topic?: string;
  /**
   * How long a text stays in front, in milliseconds: the longest time that one may be old after a lost
   * message. Default 30,000.
   */
  readonly localTtlMs?: number;
  readonly clock?: Pick<Clock, "now" | "after">;
}

/** Keys, or else all that begin with a prefix. */
interface Changed {
  readonly keys?: readonly string[];
  readonly prefix?: string;
}

interface Invalidation extends Changed {
  readonly from: string;
}

/** A read of the shared store that is to be kept in front, unless something changes meanwhile. */
interface Fill {
  changed: boolean;
}

const SUBJECT = "createTieredStore";
const STORE_METHODS = ["getMany", "set", "setIfAbsent", "delete", "clear", "close"] as const;
const RETRY_MS = 1_000;

class TieredStore implements KeyValueStore {
  readonly shared: boolean;
  readonly #options: Required<TieredStoreOptions>;
  readonly #id = globalThis.crypto.randomUUID();
  readonly #fills = new Set<Fill>();
  /** Whether other processes' changes are heard; without that nothing is kept in front. */
  #hears = false;
  #closed = false;
  #unsubscribe: (() => Promise<void>) | undefined;
  readonly #removeGap: (() => void) | undefined;

  constructor(options: Required<TieredStoreOptions>) {
    this.#options = options;
    this.shared = options.shared.shared;
    this.#removeGap = options.bus.onGap?.(() => this.#surely(this.#forget({ prefix: "" })));
    this.#listen();
  }

  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    if (!this.#hears) return this.#fill(keys, []);
    return this.#options.local
      .getMany(keys)
      .then((texts) => (texts.includes(undefined) ? this.#fill(keys, texts) : texts));
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const { local, shared, localTtlMs } = this.#options;
    await this.#change({ keys: [key] }, () => shared.set(key, this.#dated(value, ttlMs), ttlMs));
    // Kept or not: the shared store has it.
    if (this.#hears) await local.set(key, value, Math.min(ttlMs, localTtlMs)).catch(() => {});
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    const { local, shared } = this.#options;
    const wasAbsent = await shared.setIfAbsent(key, this.#dated(value, ttlMs), ttlMs);
    // What there was none of may still be in front, by as much as that is late.
    if (wasAbsent) await local.delete([key]);
    return wasAbsent;
  }

  async delete(keys: readonly string[]): Promise<void> {
    // In front at once, and once more afterwards: whoever asks meanwhile must not find it here.
    this.#forget({ keys }).catch(() => {});
    await this.#change({ keys }, () => this.#options.shared.delete(keys));
  }

  async clear(prefix: string): Promise<void> {
    await this.#change({ prefix }, () => this.#options.shared.clear(prefix));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hears = false;
    this.#removeGap?.();
    await this.#unsubscribe?.().catch(() => {});
    await Promise.all([this.#options.local.close(), this.#options.shared.close()]);
  }

  #listen(): void {
    if (this.#closed) return;
    const { bus, topic, clock } = this.#options;
    bus
      .subscribe(topic, (message) => this.#receive(message))
      .then(
        async (unsubscribe) => {
          if (this.#closed) return unsubscribe();
          this.#unsubscribe = unsubscribe;
          this.#hears = true;
        },
        () => void clock.after(RETRY_MS, () => this.#listen()),
      )
      .catch(() => {});
  }

  async #fill(
    keys: readonly string[],
    local: readonly (string | undefined)[],
  ): Promise<readonly (string | undefined)[]> {
    const fill: Fill = { changed: false };
    this.#fills.add(fill);
    try {
      const missing = keys.filter((_, index) => local[index] === undefined);
      const texts = await this.#options.shared.getMany(missing);
      const nowMs = this.#options.clock.now();
      const found = texts.map((text) => (text === undefined ? undefined : readDated(text)));
      // Read before a change and kept after it, an old text would stay.
      if (!fill.changed && this.#hears) {
        for (const [index, dated] of found.entries()) {
          const leftMs = Math.ceil(
            Math.min(this.#options.localTtlMs, (dated?.endsAtMs ?? 0) - nowMs),
          );
          if (dated === undefined || leftMs < 1) continue;
          // Kept or not: the shared store has it.
          this.#options.local.set(missing[index] as string, dated.text, leftMs).catch(() => {});
        }
      }
      let next = 0;
      return keys.map((_, index) => local[index] ?? found[next++]?.text);
    } finally {
      this.#fills.delete(fill);
    }
  }

  #dated(text: string, ttlMs: number): string {
    return `${Math.ceil(this.#options.clock.now() + ttlMs)};${text}`;
  }

  /** A change that fails may have come to pass: all the same it is forgotten in front, and the others are told. */
  async #change(changed: Changed, act: () => Promise<void>): Promise<void> {
    const [acted] = await Promise.allSettled([act()]);
    const [forgotten] = await Promise.allSettled([this.#forget(changed)]);
    await this.#publish(changed);
    for (const outcome of [acted, forgotten]) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  #forget({ keys, prefix = "" }: Changed): Promise<void> {
    for (const fill of this.#fills) fill.changed = true;
    const { local } = this.#options;
    return keys === undefined ? local.clear(prefix) : local.delete(keys);
  }

  async #publish(changed: Changed): Promise<void> {
    const { bus, topic } = this.#options;
    try {
      await bus.publish(topic, JSON.stringify({ from: this.#id, ...changed }));
    } catch {
      // The bus is away: the others notice the gap, or forget after `localTtlMs`.
    }
  }

  #receive(text: string): void {
    const message = read(text);
    if (message === undefined || message.from === this.#id) return;
    this.#surely(this.#forget(message));
  }

  /** A store in front that cannot forget is not asked any more: it would give out what is old. */
  #surely(forgotten: Promise<void>): void {
    forgotten.catch(() => {
      this.#hears = false;
    });
  }
}

/**
 * Texts stand in the shared store with their end, which a copy in front must not outlive. Undefined for what was
 * not written by a tier.
 */
function readDated(text: string): { readonly endsAtMs: number; readonly text: string } | undefined {
  const end = text.indexOf(";");
  const endsAtMs = end > 0 && end <= 16 ? Number(text.slice(0, end)) : Number.NaN;
  return Number.isSafeInteger(endsAtMs) ? { endsAtMs, text: text.slice(end + 1) } : undefined;
}

/** Whoever may publish on the bus may send anything. */
function read(text: string): Invalidation | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(parsed) || typeof parsed.from !== "string") return undefined;
  const { from, keys, prefix } = parsed;
  if (Array.isArray(keys) && keys.every((key) => typeof key === "string")) return { from, keys };
  return typeof prefix === "string" ? { from, prefix } : undefined;
}

/**
 * Memory in front of a shared store. What one process changes, the others forget as soon as the bus has told
 * them; until this process hears the bus, every read goes to the shared store.
 * @throws {TypeError} that names the option.
 */
export function createTieredStore(options: TieredStoreOptions): KeyValueStore {
  checkMembers(SUBJECT, options, ["local", "shared", "bus", "topic", "localTtlMs", "clock"]);
  for (const option of ["local", "shared"] as const) {
    if (options[option] === undefined) {
      throw new TypeError(`${SUBJECT}: option "${option}" is required`);
    }
    checkMethods(SUBJECT, option, options[option], STORE_METHODS);
  }
  if (options.bus === undefined) throw new TypeError(`${SUBJECT}: option "bus" is required`);
  checkMethods(SUBJECT, "bus", options.bus, ["publish", "subscribe", "close"]);
  const { topic = "cache", clock = systemClock } = options;
  if (typeof topic !== "string" || topic === "") {
    throw new TypeError(`${SUBJECT}: option "topic" must be a non-empty string`);
  }
  const localTtlMs = wholeNumber(SUBJECT, "localTtlMs", options.localTtlMs ?? 30_000);
  return new TieredStore({ ...options, topic, clock, localTtlMs });
}
