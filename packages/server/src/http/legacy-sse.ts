import { type JsonRpcResponse, LATEST_LEGACY_REVISION } from "@backplane/protocol";
import type { Caller } from "../caller.ts";
import type { ChangeFeed } from "../change-feed.ts";
import { randomId } from "../internal/random-id.ts";
import type { AnswerText } from "../large-text.ts";
import type { LiveSessions } from "../live-sessions.ts";
import type { LocalSession, NewsStream, RunningCall, SessionOutlet } from "../local-session.ts";
import type { ResolvedOptions } from "../options.ts";
import { PendingRequests } from "../pending-requests.ts";
import { type ResourceWatches, subscriptionOwner } from "../resource-watches.ts";
import type { Sessions } from "../sessions.ts";
import type { StreamSlots } from "../stream-slots.ts";
import { WatchedUris } from "../watched-uris.ts";
import type { HttpExchange, SseStream } from "./exchange.ts";
import { refusedFor } from "./refusal.ts";
import { relayChanges } from "./session-stream.ts";

/** Tells sessions of HTTP+SSE from others, so that neither transport can be used with the other's. */
const ID_PREFIX = "sse-";

export interface LegacySseDependencies {
  readonly options: ResolvedOptions;
  readonly changes: ChangeFeed;
  readonly watches: ResourceWatches;
  readonly sessions: Sessions;
  readonly live: LiveSessions;
  readonly slots: StreamSlots;
}

/** The session that a POST of HTTP+SSE names in its query; undefined when it names none. */
export function sseSessionId(path: string): string | undefined {
  const query = path.indexOf("?");
  if (query === -1) return undefined;
  const id = new URLSearchParams(path.slice(query)).get("sessionId");
  return id !== null && isSseSession(id) ? id : undefined;
}

export function isSseSession(id: string): boolean {
  return id.startsWith(ID_PREFIX);
}

/**
 * Opens a client's one stream of HTTP+SSE (2024-11-05, basic/transports): its first event says where to
 * POST, and everything that the server says follows on it. A POST may reach any server object: what it
 * gives rise to travels to this stream over the event bus, results included, so large ones load the bus.
 * There is no resumption: the session ends with its stream, and what runs in it is cancelled.
 * @throws {Refusal} 503 when there are as many streams or sessions as there may be.
 */
export async function openSseSession(
  dependencies: LegacySseDependencies,
  exchange: HttpExchange,
  caller: Caller,
): Promise<void> {
  const { options, sessions, live, slots } = dependencies;
  const owner = subscriptionOwner(caller.principalKey, exchange.remoteAddress);
  const releaseSlot = slots.take(owner);
  if (releaseSlot === undefined) {
    throw refusedFor("too_many_streams");
  }
  const id = `${ID_PREFIX}${randomId()}`;
  try {
    // Until `initialize` the session has a place in the store, and nothing else.
    const blank = { revision: LATEST_LEGACY_REVISION, clientInfo: undefined, capabilities: {} };
    if (!(await sessions.create(id, blank, caller.principalKey))) {
      throw refusedFor("too_many_sessions");
    }
    const session = live.open(id);
    const endsAtMs = caller.principal?.expiresAtMs;
    const stream = new SseSession(dependencies, session, owner, releaseSlot, endsAtMs);
    session.news = stream;
    await stream.listen();
    stream.connect(exchange, `${options.path}?sessionId=${id}`);
  } catch (error) {
    releaseSlot();
    const session = live.find(id);
    session?.news?.end();
    throw error;
  }
}

class SseSession implements NewsStream {
  readonly key = "sse";
  readonly #deps: LegacySseDependencies;
  readonly #session: LocalSession;
  readonly #releaseSlot: () => void;
  readonly #credentialEndsAtMs: number;
  readonly #beganAtMs: number;
  readonly #subscriptions: WatchedUris;
  #connection: SseStream | undefined;
  #stopListening: (() => void) | undefined;
  #draining = false;
  #closed = false;

  constructor(
    dependencies: LegacySseDependencies,
    session: LocalSession,
    owner: string,
    releaseSlot: () => void,
    credentialEndsAtMs = Number.POSITIVE_INFINITY,
  ) {
    this.#deps = dependencies;
    this.#subscriptions = new WatchedUris(dependencies.watches, owner);
    this.#session = session;
    this.#releaseSlot = releaseSlot;
    this.#credentialEndsAtMs = credentialEndsAtMs;
    this.#beganAtMs = dependencies.options.clock.now();
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  async listen(): Promise<void> {
    const stop = await this.#deps.changes.listen(
      relayChanges(this.#subscriptions, (text) => this.deliver(text)),
    );
    if (this.#closed) stop();
    else this.#stopListening = stop;
    this.#subscriptions.watchLists();
  }

  connect(exchange: HttpExchange, endpoint: string): void {
    const connection = exchange.openStream();
    if (this.#closed) {
      connection.close();
      return;
    }
    this.#connection = connection;
    connection.send({ event: "endpoint", data: endpoint });
    exchange.onDisconnect(() => {
      this.#connection = undefined;
      this.#endSession();
    });
  }

  subscribe(uri: string, subscribed: boolean): void {
    if (subscribed) this.#subscriptions.add(uri);
    else this.#subscriptions.delete(uri);
  }

  deliver(text: string): void {
    this.#connection?.send({ data: text });
  }

  yield(): void {}

  /** The answers of what still runs have no other way than this stream: it ends with the last of them. */
  drain(): void {
    this.#draining = true;
    this.#endIfIdle();
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening?.();
    this.#subscriptions.close();
    this.#releaseSlot();
    this.#connection?.close();
    this.#connection = undefined;
    if (this.#session.news === this) this.#session.news = undefined;
    this.#deps.live.release(this.#session);
  }

  beat(nowMs: number): void {
    // Whoever opened it is not known to be the reader any more: the client begins anew.
    if (this.#credentialEndsAtMs <= nowMs) this.#endSession();
    else this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (this.#draining && this.#session.calls.size === 0) this.#endSession();
  }

  #endSession(): void {
    if (this.#closed) return;
    this.end();
    const { live, sessions, options } = this.#deps;
    live.inBackground(
      "sessionStore",
      sessions.end(this.#session.id, this.#beganAtMs).then(
        () => {},
        (error: unknown) =>
          options.logger.warn({ err: error }, "a session could not be ended; it expires by itself"),
      ),
    );
  }
}

/** The answer to one request of an HTTP+SSE session: on its stream, wherever that is. */
export class SseOutlet implements SessionOutlet {
  running: RunningCall | undefined = undefined;
  readonly #live: LiveSessions;
  readonly #sessionId: string;
  #pending: PendingRequests | undefined;

  constructor(live: LiveSessions, sessionId: string) {
    this.#live = live;
    this.#sessionId = sessionId;
  }

  finish(text: AnswerText): void {
    this.notify(String(text));
    this.#live.untrack(this);
  }

  abandon(): void {
    this.#live.untrack(this);
  }

  notify(text: string): void {
    this.#live.tellOwner({ type: "sse", session: this.#sessionId, text });
  }

  request(method: string, params: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    this.#pending ??= new PendingRequests((text) => this.notify(text));
    return this.#pending.send(method, params, signal);
  }

  answer(response: JsonRpcResponse): boolean {
    return this.#pending?.settle(response) === true;
  }

  openIfSilent(): void {}
}
