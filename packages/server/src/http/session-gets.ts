import {
  HEADER_LAST_EVENT_ID,
  HEADER_PROTOCOL_VERSION,
  invalidRequest,
  isModernRevision,
  type SessionRecord,
} from "@backplane/protocol";
import type { Caller } from "../caller.ts";
import type { ChangeFeed } from "../change-feed.ts";
import type { LiveSessions } from "../live-sessions.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Registry } from "../registry.ts";
import { type ResourceWatches, subscriptionOwner } from "../resource-watches.ts";
import type { Sessions } from "../sessions.ts";
import type { StreamSlots } from "../stream-slots.ts";
import type { HttpExchange } from "./exchange.ts";
import { openSseSession } from "./legacy-sse.ts";
import { type Cursor, parseCursor, streamIdOf } from "./logged-stream.ts";
import { checkAcceptsStream, methodNotAllowed, Refusal, refusedFor } from "./refusal.ts";
import { SessionStream } from "./session-stream.ts";

export interface SessionGetsDependencies {
  readonly options: ResolvedOptions;
  readonly registry: Registry;
  readonly changes: ChangeFeed;
  readonly watches: ResourceWatches;
  readonly slots: StreamSlots;
  readonly sessions: Sessions;
  readonly live: LiveSessions;
}

/** What a GET can be: a session's stream, the resumption of a stream, or the beginning of HTTP+SSE. */
export class SessionGets {
  readonly #deps: SessionGetsDependencies;

  constructor(dependencies: SessionGetsDependencies) {
    this.#deps = dependencies;
  }

  /** @throws {Refusal} */
  async withoutSession(exchange: HttpExchange, caller: Caller): Promise<void> {
    const version = exchange.header(HEADER_PROTOCOL_VERSION);
    if (version !== undefined && !isModernRevision(version)) {
      throw new Refusal(400, invalidRequest("Mcp-Session-Id is missing"));
    }
    if (version !== undefined) throw methodNotAllowed(`GET is not part of ${version}`, "POST");
    if (!this.#deps.options.legacySse) {
      throw methodNotAllowed(
        "a GET needs Mcp-Session-Id; HTTP+SSE of 2024-11-05 is served with the option legacySse: true",
        "POST",
      );
    }
    checkAcceptsStream(exchange);
    const { live } = this.#deps;
    if (!live.control.started) await live.control.start();
    await openSseSession(this.#deps, exchange, caller);
  }

  /** @throws {Refusal} */
  async ofSession(exchange: HttpExchange, caller: Caller, record: SessionRecord): Promise<void> {
    checkAcceptsStream(exchange);
    const header = exchange.header(HEADER_LAST_EVENT_ID);
    const cursor = header === undefined ? undefined : checkCursor(header);
    if (cursor?.kind === "call") {
      await this.#resumeCall(exchange, caller, record, cursor);
      return;
    }
    const owner = ownerOf(exchange, caller);
    const releaseSlot = this.#takeSlot(owner);
    const { id: sessionId, revision } = record;
    try {
      await SessionStream.open(this.#deps, {
        exchange,
        sessionId,
        revision,
        owner,
        credentialEndsAtMs: caller.principal?.expiresAtMs,
        cursor,
        releaseSlot,
      });
    } catch (error) {
      releaseSlot();
      throw error;
    }
  }

  /** Sends what the client missed of a call's stream, and follows the call to its end, wherever it runs. */
  async #resumeCall(
    exchange: HttpExchange,
    caller: Caller,
    record: SessionRecord,
    { key, logId }: Cursor,
  ): Promise<void> {
    const { live, options } = this.#deps;
    const { id: sessionId } = record;
    const streamId = streamIdOf(sessionId, key);
    const page = await options.eventLog.read(streamId, logId);
    if (page === undefined) {
      const reason = "what follows this Last-Event-ID is unknown or no longer kept";
      throw new Refusal(400, invalidRequest(reason));
    }
    if (page.ended && page.events.length === 0) {
      // Nothing is left to come back for; 204 is what stops an SSE client (WHATWG HTML, server-sent events).
      exchange.respond(204, undefined);
      return;
    }
    const releaseSlot = this.#takeSlot(ownerOf(exchange, caller));
    const connection = exchange.openStream();
    let announced = false;
    const follower = live.follow(sessionId, {
      log: options.eventLog,
      streamId,
      key,
      lastId: logId,
      connection,
      maxQueuedBytes: options.limits.maxQueuedBytes,
      announce: (name) => {
        const message = { type: "follow", session: sessionId, key, follower: name } as const;
        // The first time everywhere: an older follower, wherever it is, has to stop.
        if (announced) live.tellOwner(message);
        else live.tellAll(message);
        announced = true;
      },
    });
    exchange.onDisconnect(() => follower.stop());
    await follower.done;
    releaseSlot();
    connection.close();
  }

  #takeSlot(owner: string): () => void {
    const releaseSlot = this.#deps.slots.take(owner);
    if (releaseSlot !== undefined) return releaseSlot;
    throw refusedFor("too_many_streams");
  }
}

/** The anonymous are counted by address: sessions are free to begin, so a count by session bounds nothing. */
function ownerOf(exchange: HttpExchange, caller: Caller): string {
  return subscriptionOwner(caller.principalKey, exchange.remoteAddress);
}

function checkCursor(header: string): Cursor {
  const cursor = parseCursor(header);
  if (cursor !== undefined) return cursor;
  throw new Refusal(400, invalidRequest("Last-Event-ID is not an id of this server"));
}
