import { checkMembers, wholeNumber } from "../option-checks.ts";
import type { LegacyRevision } from "../revisions.ts";
import type { Clock } from "../seams/clock.ts";
import type { SessionPatch, SessionRecord, SessionStore } from "../seams/session-store.ts";
import type { ClientCapabilities, Implementation, LogLevel } from "../types/peers.ts";
import { systemClock } from "./system-clock.ts";

/** Bounds of {@link createMemorySessionStore}. */
export interface MemorySessionStoreOptions {
  /** Sessions held at once. Default 10,000; 1 or more. */
  readonly maxSessions?: number;
  /**
   * Characters of all records together, because a client chooses the size of its `clientInfo` and
   * its subscribed URIs. Default 64 Mi; 1 or more.
   */
  readonly maxTotalChars?: number;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** No timer and no parsed record per session: an idle one is a string, two numbers and a map entry. */
interface Entry {
  readonly id: string;
  packed: string;
  touchedAtMs: number;
  expiresAtMs: number;
}

/** A record without its id, which is the map's key; an array, because names would be most of it. */
type Packed = readonly [
  principalKey: string,
  revision: LegacyRevision,
  clientInfo: Implementation | null,
  clientCapabilities: ClientCapabilities,
  initialized: boolean,
  logLevel: LogLevel | null,
  subscriptions: readonly string[],
  createdAtMs: number,
];

function pack(record: SessionRecord): string {
  const packed: Packed = [
    record.principalKey,
    record.revision,
    record.clientInfo ?? null,
    record.clientCapabilities,
    record.initialized,
    record.logLevel ?? null,
    record.subscriptions,
    record.createdAtMs,
  ];
  return JSON.stringify(packed);
}

function unpack(id: string, text: string): SessionRecord {
  const packed = JSON.parse(text) as Packed;
  return {
    id,
    principalKey: packed[0],
    revision: packed[1],
    clientInfo: packed[2] ?? undefined,
    clientCapabilities: packed[3],
    initialized: packed[4],
    logLevel: packed[5] ?? undefined,
    subscriptions: packed[6],
    createdAtMs: packed[7],
  };
}

/**
 * The same text in one piece. An id that was put together from parts is a rope, and would keep its parts
 * alive with the session: about a kilobyte for 32 digits, more than all the rest.
 */
function flat(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}

/** How many of the longest idle entries one operation looks at for expiry: keeps every call O(1). */
const EXPIRY_STEPS = 4;

/** Largest record that subscriptions may grow: each request of the session reads it as a whole. */
const MAX_RECORD_CHARS = 262_144;

/** A full store looks for expired sessions behind live ones at most this often. */
const PURGE_INTERVAL_MS = 1_000;

class MemorySessionStore implements SessionStore {
  // Insertion order is the order of use: whatever is touched moves to the end.
  readonly #entries = new Map<string, Entry>();
  readonly #maxSessions: number;
  readonly #maxTotalChars: number;
  readonly #clock: Clock;
  #totalChars = 0;
  #purgedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: MemorySessionStoreOptions) {
    const owner = "createMemorySessionStore";
    checkMembers(owner, options, ["maxSessions", "maxTotalChars", "clock"]);
    const { maxSessions = 10_000, maxTotalChars = 2 ** 26 } = options;
    this.#maxSessions = wholeNumber(owner, "maxSessions", maxSessions);
    this.#maxTotalChars = wholeNumber(owner, "maxTotalChars", maxTotalChars);
    this.#clock = options.clock ?? systemClock;
  }

  async create(
    record: SessionRecord,
    options: { readonly ttlMs: number; readonly evictIdleMs: number },
  ): Promise<boolean> {
    const nowMs = this.#clock.now();
    this.#remove(record.id);
    const packed = pack(record);
    if (!this.#makeRoom(packed.length, nowMs, options.evictIdleMs)) return false;
    const id = flat(record.id);
    this.#entries.set(id, {
      id,
      packed,
      touchedAtMs: nowMs,
      expiresAtMs: nowMs + options.ttlMs,
    });
    this.#totalChars += packed.length;
    return true;
  }

  async get(id: string, ttlMs: number): Promise<SessionRecord | undefined> {
    const nowMs = this.#clock.now();
    const entry = this.#use(id, nowMs, ttlMs);
    this.#expireLongestIdle(nowMs);
    return entry && unpack(id, entry.packed);
  }

  async touch(ids: readonly string[], ttlMs: number): Promise<void> {
    const nowMs = this.#clock.now();
    for (const id of ids) this.#use(id, nowMs, ttlMs);
    this.#expireLongestIdle(nowMs);
  }

  async patch(id: string, patch: SessionPatch): Promise<SessionRecord | undefined> {
    const entry = this.#find(id, this.#clock.now());
    if (entry === undefined) return undefined;
    const record = { ...unpack(id, entry.packed), ...patch };
    this.#rewrite(entry, pack(record));
    return record;
  }

  async setSubscription(
    id: string,
    uri: string,
    subscribed: boolean,
    maxSubscriptions: number,
  ): Promise<SessionRecord | "full" | undefined> {
    const entry = this.#find(id, this.#clock.now());
    if (entry === undefined) return undefined;
    const record = unpack(id, entry.packed);
    if (record.subscriptions.includes(uri) === subscribed) return record;
    const subscriptions = subscribed
      ? [...record.subscriptions, uri]
      : record.subscriptions.filter((other) => other !== uri);
    if (subscribed && subscriptions.length > maxSubscriptions) return "full";
    const changed = { ...record, subscriptions };
    const packed = pack(changed);
    const growth = packed.length - entry.packed.length;
    if (growth > 0 && packed.length > MAX_RECORD_CHARS) return "full";
    if (growth > 0 && this.#totalChars + growth > this.#maxTotalChars) return "full";
    this.#rewrite(entry, packed);
    return changed;
  }

  async delete(id: string): Promise<boolean> {
    const existed = this.#find(id, this.#clock.now()) !== undefined;
    this.#remove(id);
    return existed;
  }

  async count(): Promise<number> {
    this.#purge(this.#clock.now());
    return this.#entries.size;
  }

  async close(): Promise<void> {
    this.#entries.clear();
    this.#totalChars = 0;
  }

  #find(id: string, nowMs: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || nowMs < entry.expiresAtMs) return entry;
    this.#remove(id);
    return undefined;
  }

  #use(id: string, nowMs: number, ttlMs: number): Entry | undefined {
    const entry = this.#find(id, nowMs);
    if (entry === undefined) return undefined;
    entry.touchedAtMs = nowMs;
    entry.expiresAtMs = nowMs + ttlMs;
    this.#entries.delete(id);
    this.#entries.set(entry.id, entry);
    return entry;
  }

  #rewrite(entry: Entry, packed: string): void {
    this.#totalChars += packed.length - entry.packed.length;
    entry.packed = packed;
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#totalChars -= entry.packed.length;
  }

  #makeRoom(chars: number, nowMs: number, evictIdleMs: number): boolean {
    this.#expireLongestIdle(nowMs);
    if (this.#hasRoom(chars)) return true;
    if (chars > this.#maxTotalChars) return false;
    // Time-to-live may differ between sessions; then an expired one can stand behind a live one.
    if (nowMs - this.#purgedAtMs >= PURGE_INTERVAL_MS) this.#purge(nowMs);
    for (const [id, entry] of this.#entries) {
      if (this.#hasRoom(chars) || nowMs - entry.touchedAtMs < evictIdleMs) break;
      this.#remove(id);
    }
    return this.#hasRoom(chars);
  }

  #hasRoom(chars: number): boolean {
    return (
      this.#entries.size < this.#maxSessions && this.#totalChars + chars <= this.#maxTotalChars
    );
  }

  #expireLongestIdle(nowMs: number): void {
    let steps = 0;
    for (const [id, entry] of this.#entries) {
      if (nowMs < entry.expiresAtMs || steps++ === EXPIRY_STEPS) return;
      this.#remove(id);
    }
  }

  #purge(nowMs: number): void {
    this.#purgedAtMs = nowMs;
    for (const [id, entry] of this.#entries) {
      if (nowMs >= entry.expiresAtMs) this.#remove(id);
    }
  }
}

/**
 * Legacy sessions in this process's memory: lost on restart, not shared with other replicas.
 * An idle session costs a few hundred bytes and no timer; expired ones are dropped by later use.
 *
 * @throws {TypeError} for an option that is unknown, or a bound that is no whole number of 1 or more.
 */
export function createMemorySessionStore(options: MemorySessionStoreOptions = {}): SessionStore {
  return new MemorySessionStore(options);
}
