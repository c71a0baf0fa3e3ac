import {
  isAtLeast,
  type JsonRpcResponse,
  type LegacyRevision,
  type MCPError,
} from "@backplane/protocol";
import type { AnswerText } from "../large-text.ts";
import type { LiveSessions } from "../live-sessions.ts";
import type { RunningCall, SessionOutlet } from "../local-session.ts";
import { PendingRequests } from "../pending-requests.ts";
import type { HttpExchange } from "./exchange.ts";
import type { LoggedStream } from "./logged-stream.ts";
import { respondJson } from "./respond.ts";

/** How soon a client may come back for a stream that was cut off: long enough not to be a busy loop. */
export const RETRY_MS = 1_000;

/** The session and the HTTP request that a stream of messages answers. */
export interface CallStreamOrigin {
  readonly live: LiveSessions;
  readonly exchange: HttpExchange;
  readonly sessionId: string;
  readonly revision: LegacyRevision;
}

/** Answers an exchange with a stream that can be resumed where the revision knows how. */
export function openCallStream({
  live,
  exchange,
  sessionId,
  revision,
}: CallStreamOrigin): LoggedStream {
  const stream = live.openStream(sessionId, "call", isResumable(revision));
  stream.connect(exchange);
  if (isPrimed(revision)) stream.prime(RETRY_MS);
  return stream;
}

/** Event ids exist since 2025-03-26 (basic/transports). */
export function isResumable(revision: LegacyRevision): boolean {
  return isAtLeast(revision, "2025-03-26");
}

/** Clients of older revisions parse every event's data as JSON, an empty one included (digest §2). */
export function isPrimed(revision: LegacyRevision): boolean {
  return isAtLeast(revision, "2025-11-25");
}

/**
 * The answer to one request of a session: JSON, until something must be sent before it or it has been
 * silent for long. A client that disconnects cancels nothing: what follows goes to the log.
 */
export class LegacyOutlet implements SessionOutlet, CallStreamOrigin {
  readonly live: LiveSessions;
  readonly exchange: HttpExchange;
  readonly sessionId: string;
  readonly revision: LegacyRevision;
  running: RunningCall | undefined = undefined;
  #stream: LoggedStream | undefined = undefined;
  #pending: PendingRequests | undefined = undefined;

  constructor(
    live: LiveSessions,
    exchange: HttpExchange,
    sessionId: string,
    revision: LegacyRevision,
  ) {
    this.live = live;
    this.exchange = exchange;
    this.sessionId = sessionId;
    this.revision = revision;
  }

  finish(text: AnswerText, error: MCPError | undefined): void {
    if (this.running !== undefined) this.live.untrack(this);
    if (this.#stream === undefined) {
      respondJson(this.exchange, "legacy", text, error);
      return;
    }
    // The log keeps it as a whole, for a client that comes back for it.
    this.#stream.send(String(text));
    void this.#stream.end();
  }

  abandon(): void {
    this.live.untrack(this);
    // A response without a JSON-RPC message in it has to be a stream (2025-11-25, basic/transports).
    if (this.#stream === undefined) this.exchange.openStream().close();
    else void this.#stream.end();
  }

  notify(text: string): void {
    this.#open().notify(text);
  }

  request(method: string, params: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    this.#pending ??= new PendingRequests((text) => this.#open().send(text));
    return this.#pending.send(method, params, signal);
  }

  release(retryMs: number | undefined): boolean {
    return isPrimed(this.revision) && this.#open().release(retryMs ?? RETRY_MS);
  }

  answer(response: JsonRpcResponse): boolean {
    return this.#pending?.settle(response) === true;
  }

  openIfSilent(): void {
    this.#open();
  }

  #open(): LoggedStream {
    this.#stream ??= openCallStream(this);
    return this.#stream;
  }
}
