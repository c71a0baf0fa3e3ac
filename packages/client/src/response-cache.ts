import { Buffer } from "node:buffer";
import {
  type CacheScope,
  type Clock,
  canonicalJson,
  checkMembers,
  checkMethods,
  codecFor,
  type JsonObject,
  LATEST_MODERN_REVISION,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import type { ChangeEvent } from "./subscription-types.ts";
import { isWithin } from "./subscriptions/changes.ts";

/** The options of a {@link ResponseCache}. */
export interface ResponseCacheOptions {
  /** Results kept at once. Default 1,000. */
  readonly maxEntries?: number;
  /** Bytes of all results and their keys, as JSON. Default 16 MiB; a result larger than this is not kept. */
  readonly maxBytes?: number;
  readonly clock?: Clock;
}

/** What a result answers. */
export interface CacheKey {
  /** The server: two names are two servers. */
  readonly target: string;
  /** Stands for the credentials, and for everything else that makes the same request another one. */
  readonly partition: string;
  readonly method: string;
  /** The request's own params; `_meta` is none of them. */
  readonly params: JsonObject;
}

interface Entry {
  readonly target: string;
  readonly method: string;
  /** Of `resources/read`. */
  readonly uri: string | undefined;
  readonly text: string;
  readonly bytes: number;
  readonly expiresAtMs: number;
}

const SUBJECT = "ResponseCache";
const OPTIONS: readonly string[] = [
  "maxEntries",
  "maxBytes",
  "clock",
] satisfies (keyof ResponseCacheOptions)[];
/** Servers whose last change is remembered. */
const MAX_TARGETS = 1_000;
const METHODS = codecFor(LATEST_MODERN_REVISION).methods;

/** The methods whose results a change makes stale, beside the reads of a resource. */
const STALE: Readonly<Record<"tools" | "prompts" | "resources", ReadonlySet<string>>> = {
  tools: new Set(["tools/list"]),
  prompts: new Set(["prompts/list"]),
  resources: new Set(["resources/list", "resources/templates/list"]),
};

/**
 * Keeps results for as long as their server allows (spec: server/utilities/caching). A `private` result is
 * given only to requests of the same partition; a `public` one to all that share the cache. Results without a
 * `ttlMs`, those of legacy servers among them, are not kept. Least recently used results go first.
 *
 * Kept as JSON text: each caller gets a copy of its own.
 */
export class ResponseCache {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  /** When something of a server changed last, counted in changes; the least recent are forgotten. */
  readonly #changes = new Map<string, number>();
  #lastChange = 0;
  /** The last change that was forgotten. */
  #forgottenChange = 0;
  #bytes = 0;

  /** @throws {TypeError} that names the option. */
  constructor(options: ResponseCacheOptions = {}) {
    checkMembers(SUBJECT, options, OPTIONS);
    checkMethods(SUBJECT, "clock", options.clock, ["now", "after"]);
    this.#maxEntries = wholeNumber(SUBJECT, "maxEntries", options.maxEntries ?? 1_000);
    this.#maxBytes = wholeNumber(SUBJECT, "maxBytes", options.maxBytes ?? 16 * 1024 * 1024);
    this.#clock = options.clock ?? systemClock;
  }

  /** Whether results of a method may be kept at all. */
  static keeps(method: string): boolean {
    return METHODS.get(method)?.cacheable === true;
  }

  /** Results kept now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of what is kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The kept result, as an object of the caller's own, or undefined. */
  get(key: CacheKey): JsonObject | undefined {
    const entry = this.#fresh(keyText(key, "private")) ?? this.#fresh(keyText(key, "public"));
    return entry === undefined ? undefined : (JSON.parse(entry.text) as JsonObject);
  }

  /** A mark of now, to be taken before a request is sent and handed to `set`. */
  mark(): number {
    return this.#lastChange;
  }

  /**
   * Keeps a complete result, if it says for how long and for whom.
   * @param since the {@link mark} of when the request was sent: what changed after it makes the result stale
   * before it arrives.
   */
  set(key: CacheKey, result: JsonObject, since: number): void {
    const { ttlMs, cacheScope, resultType = "complete" } = result;
    if (!ResponseCache.keeps(key.method) || resultType !== "complete") return;
    // What the server said last counts, also when it is that nothing may be kept, or not for everybody.
    this.#drop(keyText(key, "private"));
    this.#drop(keyText(key, "public"));
    if (!Number.isSafeInteger(ttlMs) || (ttlMs as number) < 1) return;
    if (cacheScope !== "public" && cacheScope !== "private") return;
    if ((this.#changes.get(key.target) ?? this.#forgottenChange) > since) return;
    const name = keyText(key, cacheScope);
    const text = JSON.stringify(result);
    const bytes = Buffer.byteLength(text) + Buffer.byteLength(name);
    if (bytes > this.#maxBytes) return;
    this.#entries.set(name, {
      target: key.target,
      method: key.method,
      uri: typeof key.params.uri === "string" ? key.params.uri : undefined,
      text,
      bytes,
      expiresAtMs: this.#clock.now() + (ttlMs as number),
    });
    this.#bytes += bytes;
    this.#shrink();
  }

  /** Drops what a change at a server makes stale. */
  changed(target: string, event: ChangeEvent): void {
    this.#changes.delete(target);
    this.#changes.set(target, ++this.#lastChange);
    for (const [oldest, change] of this.#changes) {
      if (this.#changes.size <= MAX_TARGETS) break;
      this.#changes.delete(oldest);
      this.#forgottenChange = change;
    }
    for (const [name, entry] of this.#entries) {
      if (entry.target === target && isStale(entry, event)) this.#drop(name);
    }
  }

  /** Drops everything, or everything of one server. */
  clear(target?: string): void {
    for (const [name, entry] of this.#entries) {
      if (target === undefined || entry.target === target) this.#drop(name);
    }
  }

  #fresh(name: string): Entry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    if (entry.expiresAtMs <= this.#clock.now()) {
      this.#bytes -= entry.bytes;
      return undefined;
    }
    // To the end: the order of the map is the order of use.
    this.#entries.set(name, entry);
    return entry;
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#bytes -= entry.bytes;
  }

  #shrink(): void {
    for (const name of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#drop(name);
    }
  }
}

/** A public result is of no partition. */
function keyText({ target, partition, method, params }: CacheKey, scope: CacheScope): string {
  return canonicalJson([target, method, params, ...(scope === "private" ? [partition] : [])]);
}

function isStale({ method, uri }: Entry, event: ChangeEvent): boolean {
  if (event.kind !== "resource") return STALE[event.kind].has(method);
  // What changed may be a part of what was read, and the other way round (spec: patterns/subscriptions).
  return uri !== undefined && (isWithin(event.uri, uri) || isWithin(uri, event.uri));
}
