import type { LegacyRevision } from "../revisions.ts";
import type { ClientCapabilities, Implementation, LogLevel } from "../types/peers.ts";

/** What a legacy session is: everything that any replica needs to serve its next request. */
export interface SessionRecord {
  readonly id: string;
  /** `principalKey` of who created it; nobody else may use it. */
  readonly principalKey: string;
  readonly revision: LegacyRevision;
  readonly clientInfo: Implementation | undefined;
  readonly clientCapabilities: ClientCapabilities;
  readonly initialized: boolean;
  readonly logLevel: LogLevel | undefined;
  /** Subscribed resource URIs. */
  readonly subscriptions: readonly string[];
  readonly createdAtMs: number;
}

/** The part of a session that changes after `initialize`. */
export type SessionPatch = Partial<Pick<SessionRecord, "initialized" | "logLevel">>;

/**
 * Where legacy sessions live. Records are kept as JSON: what works with memory works with Redis.
 * Every use of a session touches it; one untouched for its TTL is gone. A server touches sessions that
 * have work in flight, so an idle time never hides running work.
 */
export interface SessionStore {
  /**
   * Keeps a new session. When the store is full, it drops the session that was idle longest if that
   * is at least `evictIdleMs`.
   * @returns false when the store is full of sessions in use.
   */
  create(
    record: SessionRecord,
    options: { readonly ttlMs: number; readonly evictIdleMs: number },
  ): Promise<boolean>;
  /** Reads and touches. Undefined when ended, expired or never known. */
  get(id: string, ttlMs: number): Promise<SessionRecord | undefined>;
  /** Touches without reading; unknown ids are ignored. */
  touch(ids: readonly string[], ttlMs: number): Promise<void>;
  /** Changes fields atomically. @returns the new record, or undefined when there is none. */
  patch(id: string, patch: SessionPatch): Promise<SessionRecord | undefined>;
  /**
   * Adds or removes a subscribed URI, atomically and idempotently.
   * @returns the new record, `"full"` when `maxSubscriptions` would be passed, undefined when there is no session.
   */
  setSubscription(
    id: string,
    uri: string,
    subscribed: boolean,
    maxSubscriptions: number,
  ): Promise<SessionRecord | "full" | undefined>;
  /** @returns whether there was one to end. */
  delete(id: string): Promise<boolean>;
  /** Sessions held now. */
  count(): Promise<number>;
  close(): Promise<void>;
}
