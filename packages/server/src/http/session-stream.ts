import type { LegacyRevision } from "@backplane/protocol";
import type { ChangeFeed, ChangeListener } from "../change-feed.ts";
import type { LiveSessions } from "../live-sessions.ts";
import type { LocalSession, NewsStream } from "../local-session.ts";
import { notificationText } from "../notification-text.ts";
import type { ResolvedOptions } from "../options.ts";
import type { ListKind, Registry } from "../registry.ts";
import type { ResourceWatches } from "../resource-watches.ts";
import type { Sessions } from "../sessions.ts";
import { WatchedUris } from "../watched-uris.ts";
import type { HttpExchange, SseStream } from "./exchange.ts";
import { isPrimed, isResumable, RETRY_MS } from "./legacy-outlet.ts";
import { type Cursor, type LoggedStream, streamIdOf } from "./logged-stream.ts";

/** How long a new stream waits for the one before it, which is at once unless its process died. */
const HANDOVER_MS = 2_000;

const LIST_KINDS: readonly ListKind[] = ["tools", "prompts", "resources"];

export interface SessionStreamDependencies {
  readonly options: ResolvedOptions;
  readonly registry: Registry;
  readonly changes: ChangeFeed;
  readonly watches: ResourceWatches;
  readonly sessions: Sessions;
  readonly live: LiveSessions;
}

/** What a GET asks for, after every check. */
export interface SessionStreamRequest {
  readonly exchange: HttpExchange;
  readonly sessionId: string;
  readonly revision: LegacyRevision;
  /** Whose subscriptions they are, as `subscriptionOwner` says. */
  readonly owner: string;
  /** When the credential of the GET ends; undefined for never. */
  readonly credentialEndsAtMs: number | undefined;
  /** Where the client was when it lost its stream; undefined for a new one. */
  readonly cursor: Cursor | undefined;
  /** Gives back the stream's slot. Idempotent. */
  readonly releaseSlot: () => void;
}

/** Passes changes on as a legacy client knows them: lists always, resources as subscribed. */
export function relayChanges(
  subscriptions: Pick<ReadonlySet<string>, "has">,
  send: (text: string) => void,
): ChangeListener {
  return {
    onListChanged: (kind) => send(listChanged(kind)),
    onResourceUpdated: (uri) => {
      if (subscriptions.has(uri)) send(resourceUpdated(uri));
    },
  };
}

/**
 * A session's GET stream, of which there is one over all server objects: the newest. It listens before
 * the one before it stops, and sends what that one logged, so that nothing falls between the two. When
 * that cannot be shown, the client is told that everything may have changed.
 */
export class SessionStream implements NewsStream {
  readonly #deps: SessionStreamDependencies;
  readonly #session: LocalSession;
  readonly #stream: LoggedStream;
  readonly #releaseSlot: () => void;
  readonly #subscriptions: WatchedUris;
  /** Changes that came before the client has everything older. */
  #held: Set<string> | undefined = new Set();
  #stopListening: (() => void) | undefined;
  #closed = false;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  readonly #credentialEndsAtMs: number;

  /** Answers a GET. @throws what the event bus or the session store threw; nothing is answered then. */
  static async open(
    dependencies: SessionStreamDependencies,
    request: SessionStreamRequest,
  ): Promise<void> {
    const { live } = dependencies;
    const session = live.open(request.sessionId);
    const stream = new SessionStream(dependencies, session, request);
    try {
      await stream.#listen();
      const previous = session.news;
      session.news = stream;
      previous?.yield(stream.key);
      live.control.publish({ type: "stream", session: session.id, key: stream.key });
      await stream.#subscribeAsStored();
    } catch (error) {
      stream.end();
      throw error;
    }
    if (stream.#closed) request.exchange.openStream().close();
    else await stream.#serve(request);
  }

  private constructor(
    dependencies: SessionStreamDependencies,
    session: LocalSession,
    { sessionId, revision, owner, releaseSlot, credentialEndsAtMs }: SessionStreamRequest,
  ) {
    this.#credentialEndsAtMs = credentialEndsAtMs ?? Number.POSITIVE_INFINITY;
    this.#deps = dependencies;
    this.#subscriptions = new WatchedUris(dependencies.watches, owner);
    this.#session = session;
    this.#stream = dependencies.live.openStream(sessionId, "session", isResumable(revision));
    this.#stream.onDisconnect = () => this.#linger();
    this.#releaseSlot = releaseSlot;
  }

  get key(): string {
    return this.#stream.key;
  }

  get connected(): boolean {
    return this.#stream.connected;
  }

  subscribe(uri: string, subscribed: boolean): void {
    if (!subscribed) this.#subscriptions.delete(uri);
    else if (!this.#subscriptions.add(uri)) {
      // Accepted where the stream is not: what the session may have is known, what the principal has is not.
      this.#deps.options.logger.warn(
        { uri },
        "a session subscribed to more than its principal may; its client is not told of this resource",
      );
    }
  }

  yield(successor: string): void {
    if (this.#closed) return;
    this.#close();
    // As when it is followed: the connection ends, and whoever took over is told as the log grows.
    this.#stream.follow();
    this.#flush();
    this.#stream.succeed(successor);
    void this.#stream.end();
  }

  drain(): void {
    this.end();
  }

  /**
   * The log goes too: what happens from now on is in none, so a client that resumed it would not know
   * what it missed.
   */
  end(): void {
    if (this.#closed) return;
    this.#close();
    this.#deps.live.inBackground(
      "eventLog",
      this.#stream.end().then(() => this.#deps.live.forget(this.#stream)),
    );
  }

  beat(nowMs: number): void {
    // Whoever asked then is not known to be the caller any more: the client opens it anew.
    if (this.#expiresAtMs <= nowMs || this.#credentialEndsAtMs <= nowMs) this.end();
  }

  async #listen(): Promise<void> {
    const stop = await this.#deps.changes.listen(
      relayChanges(this.#subscriptions, (text) => this.#send(text)),
    );
    if (this.#closed) stop();
    else this.#stopListening = stop;
    this.#subscriptions.watchLists();
  }

  /** Read after the stream is known as the session's: a subscription made meanwhile is in one of the two. */
  async #subscribeAsStored(): Promise<void> {
    const record = await this.#deps.sessions.read(this.#session.id);
    if (record === undefined) this.end();
    else for (const uri of record.subscriptions) this.subscribe(uri, true);
    await this.#subscriptions.started();
  }

  async #serve({ exchange, revision, cursor }: SessionStreamRequest): Promise<void> {
    const connection = this.#stream.connect(exchange);
    if (cursor !== undefined && !(await this.#replay(cursor, connection))) this.#holdEverything();
    if (this.#closed) return;
    if (isPrimed(revision)) this.#stream.prime(RETRY_MS);
    this.#flush();
  }

  /**
   * Sends what was logged since, by the stream that the client knows and by those between it and this one,
   * which the client may never have seen. @returns whether that is everything until now.
   */
  async #replay(cursor: Cursor, connection: SseStream): Promise<boolean> {
    const { live, options } = this.#deps;
    const { id } = this.#session;
    let { key, logId }: { key: string; logId: string | undefined } = cursor;
    while (key !== this.key) {
      const follower = live.follow(id, {
        log: options.eventLog,
        streamId: streamIdOf(id, key),
        key,
        lastId: logId,
        connection,
        maxQueuedBytes: options.limits.maxQueuedBytes,
        // Its writer was told by the message that this stream has opened.
        announce: () => {},
      });
      const cancel = options.clock.after(HANDOVER_MS, () => follower.stop());
      const outcome = await follower.done;
      cancel();
      if (outcome !== "ended" || follower.successor === undefined) return false;
      key = follower.successor;
      logId = undefined;
    }
    return true;
  }

  /** A gap that cannot be replayed: the client is to fetch again whatever it has. */
  #holdEverything(): void {
    for (const kind of LIST_KINDS) {
      if (this.#deps.registry.declares(kind)) this.#held?.add(listChanged(kind));
    }
    for (const uri of this.#subscriptions) this.#held?.add(resourceUpdated(uri));
  }

  #flush(): void {
    for (const text of this.#held ?? []) this.#stream.notify(text);
    this.#held = undefined;
  }

  #send(text: string): void {
    if (this.#held !== undefined) this.#held.add(text);
    else this.#stream.notify(text);
  }

  /** The client is gone, and may come back: changes go to the log meanwhile. */
  #linger(): void {
    this.#releaseSlot();
    if (!this.#stream.resumable) {
      this.end();
      return;
    }
    const { clock, sessions } = this.#deps.options;
    this.#expiresAtMs = clock.now() + sessions.resumeWindowMs;
  }

  #close(): void {
    this.#closed = true;
    this.#stopListening?.();
    this.#subscriptions.close();
    this.#releaseSlot();
    if (this.#session.news === this) this.#session.news = undefined;
    this.#deps.live.release(this.#session);
  }
}

function listChanged(kind: ListKind): string {
  return notificationText(`notifications/${kind}/list_changed`, undefined);
}

function resourceUpdated(uri: string): string {
  return notificationText("notifications/resources/updated", { uri });
}
