import type { TransportInfo } from "@backplane/protocol";
import type { Caller } from "../caller.ts";
import type { AnswerText, LargeText } from "../large-text.ts";

/** Why a route's body cannot be read any more. */
export const BODY_CONSUMED =
  "the request body was consumed before the server saw it; mount the routes in front of body parsers";

/** One event of a server-sent stream; a comment when it has none of the members. */
export interface SseEvent {
  readonly id?: string;
  readonly event?: string;
  /** One line: JSON text has no raw newline. */
  readonly data?: string;
  readonly retryMs?: number;
}

/** An open `text/event-stream` response. */
export interface SseStream {
  /** Queues an event, of any size. A reader that is `maxQueuedBytes` behind already is disconnected. */
  send(event: SseEvent): void;
  /** Bytes that the reader has not taken yet. */
  readonly queuedBytes: number;
  /** Sends a last message piece by piece, and ends the response. */
  finish(data: LargeText): void;
  /** Ends the response. Idempotent. */
  close(): void;
  readonly closed: boolean;
}

/**
 * One HTTP request and its response, whatever serves it: `node:http` or a web `Request`. The endpoint
 * above knows only this.
 */
export interface HttpExchange extends TransportInfo {
  readonly kind: "http";
  readonly method: string;
  /** Path and query, as received. */
  readonly path: string;
  /** The host that the client asked for, and the origin, where a trusted proxy said so. */
  readonly forwardedHost: string | undefined;
  readonly forwardedOrigin: string | undefined;
  /** As the client speaks it: where a trusted proxy said so, to the proxy. */
  readonly scheme: "http" | "https";
  /** Of the response that was sent, or is being sent; undefined before. */
  readonly status: number | undefined;
  /** Sends a whole response. `body` is JSON unless `headers` say otherwise. */
  respond(
    status: number,
    body: AnswerText | Uint8Array | undefined,
    headers?: Readonly<Record<string, string>>,
  ): void;
  /** Sends the headers of a stream. */
  openStream(headers?: Readonly<Record<string, string>>): SseStream;
  /** Calls back once when the client is gone before the response ended. */
  onDisconnect(listener: () => void): void;
  /** Who sent it, once that is known. A member: a `WeakMap` beside it would cost the collector more than all else here. */
  caller: Caller | undefined;
  /** Headers that every response of this exchange carries, as CORS found them. */
  extraHeaders: Readonly<Record<string, string>> | undefined;
  /**
   * Reads the body as text, for routes; the MCP endpoint has ways of its own.
   * @returns undefined when it is larger; the rest is not read.
   * @throws when the client goes away, or somebody else has read it.
   */
  readText(maxBytes: number): Promise<string | undefined>;
}
