import {
  CHANNELS,
  type ClientCapabilities,
  codecFor,
  type Implementation,
  invalidRequest,
  type LegacyRevision,
  type LogLevel,
  type Principal,
  type SessionRecord,
  type TransportInfo,
  type WireCodec,
} from "@backplane/protocol";
import type { Peer, PeerSession } from "./call.ts";
import { limitHit } from "./limit-hit.ts";
import type { ResolvedOptions } from "./options.ts";
import { type ResourceWatches, subscriptionOwner } from "./resource-watches.ts";
import type { ControlMessage } from "./session-control.ts";

/** What a session begins with. */
export interface NewSession {
  readonly revision: LegacyRevision;
  readonly clientInfo: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
}

/** How a change of a session reaches whatever of it is live, at any server object. */
export interface SessionAnnouncer {
  /** Acts here and everywhere. */
  tellAll(message: ControlMessage): void;
  /** Acts here, or else wherever the part lives that the message is about. */
  tellOwner(message: ControlMessage): void;
}

/** What a client gets without `logging/setLevel`: the server may choose (2025-11-25, server/utilities/logging). */
const DEFAULT_LOG_LEVEL: LogLevel = "info";

/** Longer than any id made here: what is longer needs no look into the store. */
const MAX_ID_LENGTH = 64;

/** How often the gauge learns of sessions that expired, which nobody announces. */
const RECOUNT_MS = 30_000;

/** Legacy sessions in the store that server objects share. Nothing of an idle session is kept here. */
export class Sessions {
  readonly #options: ResolvedOptions;
  readonly #serverId: string;
  readonly #announcer: SessionAnnouncer;
  readonly #watches: ResourceWatches;
  /** Sessions begun here less those ended here, as the gauge channel was told. */
  #gauged = 0;
  #cancelRecount: (() => void) | undefined;

  constructor(
    options: ResolvedOptions,
    serverId: string,
    announcer: SessionAnnouncer,
    watches: ResourceWatches,
  ) {
    this.#options = options;
    this.#watches = watches;
    this.#serverId = serverId;
    this.#announcer = announcer;
  }

  /** Begins a session. @returns false when the store is full of sessions in use. */
  async create(id: string, session: NewSession, principalKey: string): Promise<boolean> {
    const kept = await this.#put(id, session, principalKey);
    if (kept) this.#gauge(1, undefined);
    else limitHit(this.#serverId, "maxSessions");
    return kept;
  }

  /** Gives a session that had only a place its content: HTTP+SSE has an id before `initialize`. */
  async replace(id: string, session: NewSession, principalKey: string): Promise<boolean> {
    const { sessionStore } = this.#options;
    if (!(await sessionStore.delete(id))) return false;
    const kept = await this.#put(id, session, principalKey);
    if (!kept) limitHit(this.#serverId, "maxSessions");
    return kept;
  }

  /** The session, touched; check it with {@link isOwnedBy}. Undefined when ended, expired or never known. */
  read(id: string): Promise<SessionRecord | undefined> {
    if (id.length > MAX_ID_LENGTH) return Promise.resolve(undefined);
    return this.#options.sessionStore.get(id, this.#options.sessions.ttlMs);
  }

  /** @param beganAtMs when, by the server's clock. @returns whether there was one to end. */
  async end(id: string, beganAtMs: number): Promise<boolean> {
    const existed = await this.#options.sessionStore.delete(id);
    if (existed) this.#gauge(-1, this.#options.clock.now() - beganAtMs);
    this.#announcer.tellAll({ type: "end", session: id });
    return existed;
  }

  async markInitialized(id: string): Promise<void> {
    await this.#options.sessionStore.patch(id, { initialized: true });
  }

  async setLogLevel(id: string, level: LogLevel): Promise<void> {
    await this.#options.sessionStore.patch(id, { logLevel: level });
    this.#announcer.tellAll({ type: "level", session: id, level });
  }

  /** @returns false when the session, or its principal, has as many subscriptions as it may. */
  async setSubscription(
    id: string,
    uri: string,
    subscribed: boolean,
    owner: string,
  ): Promise<boolean> {
    if (subscribed && !this.#watches.hasRoom(owner)) {
      limitHit(this.#serverId, "maxSubscriptionsPerPrincipal");
      return false;
    }
    const { sessionStore, limits } = this.#options;
    const outcome = await sessionStore.setSubscription(
      id,
      uri,
      subscribed,
      limits.maxSubscriptions,
    );
    if (outcome === undefined) throw invalidRequest("the session has ended");
    if (outcome === "full") {
      limitHit(this.#serverId, "maxSubscriptions");
      return false;
    }
    this.#announcer.tellOwner({ type: "subscription", session: id, uri, subscribed });
    // When the session's stream is at another server object, nothing is watched here and this is at once.
    if (subscribed) await this.#watches.started(uri);
    return true;
  }

  /** Releases the timer of the gauge. */
  close(): void {
    this.#cancelRecount?.();
    this.#cancelRecount = undefined;
  }

  async #put(id: string, session: NewSession, principalKey: string): Promise<boolean> {
    const { sessionStore, clock, sessions } = this.#options;
    const record: SessionRecord = {
      id,
      principalKey,
      revision: session.revision,
      clientInfo: session.clientInfo,
      clientCapabilities: session.capabilities,
      initialized: false,
      logLevel: undefined,
      subscriptions: [],
      createdAtMs: clock.now(),
    };
    const { ttlMs, evictIdleMs } = sessions;
    return sessionStore.create(record, { ttlMs, evictIdleMs });
  }

  #gauge(delta: 1 | -1, durationMs: number | undefined): void {
    if (!CHANNELS.gauge.hasSubscribers) return;
    this.#gauged += delta;
    CHANNELS.gauge.publish({ serverId: this.#serverId, kind: "session", delta, durationMs });
    if (this.#gauged > 0) {
      this.#cancelRecount ??= this.#options.clock.after(RECOUNT_MS, () => void this.#recount());
    }
  }

  async #recount(): Promise<void> {
    this.#cancelRecount = undefined;
    try {
      const count = await this.#options.sessionStore.count();
      while (this.#gauged > Math.max(count, 0) && CHANNELS.gauge.hasSubscribers) {
        this.#gauge(-1, undefined);
      }
    } catch (error) {
      this.#options.logger.warn({ err: error }, "sessions could not be counted");
    }
    if (this.#gauged > 0) {
      this.#cancelRecount ??= this.#options.clock.after(RECOUNT_MS, () => void this.#recount());
    }
  }
}

/** Whether a principal may use a session: nobody but its creator may, and must not learn that it exists. */
export function isOwnedBy(
  record: SessionRecord | undefined,
  principalKey: string,
): record is SessionRecord {
  return record !== undefined && record.principalKey === principalKey;
}

/** The client of one request of a session, and its way to what the session remembers. */
export class SessionPeer implements Peer, PeerSession {
  readonly codec: WireCodec;
  readonly principal: Principal | undefined;
  readonly principalKey: string;
  readonly clientInfo: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
  readonly sessionId: string;
  readonly transport: TransportInfo;
  logLevel: LogLevel | undefined;
  readonly #sessions: Sessions;

  constructor(
    sessions: Sessions,
    record: SessionRecord,
    principal: Principal | undefined,
    transport: TransportInfo,
  ) {
    this.#sessions = sessions;
    this.codec = codecFor(record.revision);
    this.principal = principal;
    this.principalKey = record.principalKey;
    this.clientInfo = record.clientInfo;
    this.capabilities = record.clientCapabilities;
    this.sessionId = record.id;
    this.transport = transport;
    this.logLevel = record.logLevel ?? DEFAULT_LOG_LEVEL;
  }

  get session(): PeerSession {
    return this;
  }

  setLogLevel(level: LogLevel): Promise<void> {
    return this.#sessions.setLogLevel(this.sessionId, level);
  }

  setSubscription(uri: string, subscribed: boolean): Promise<boolean> {
    const owner = subscriptionOwner(this.principalKey, this.transport.remoteAddress);
    return this.#sessions.setSubscription(this.sessionId, uri, subscribed, owner);
  }
}
