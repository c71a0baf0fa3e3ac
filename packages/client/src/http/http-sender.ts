import type { Dispatcher } from "undici";

/** Where a request goes, taken apart once. */
export interface HttpTarget {
  /** Absolute, without fragment. */
  readonly href: string;
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  /** For messages: without the query, which may hold what is nobody's business. */
  readonly place: string;
}

/** One HTTP request. */
export interface HttpRequest {
  readonly target: HttpTarget;
  readonly method: "GET" | "POST" | "DELETE";
  /** Names in lower case and values by turns. */
  readonly headers: readonly string[];
  readonly body: string | undefined;
  /**
   * Neither takes a connection away from the other requests nor waits for one of theirs: a stream that stays
   * open, or what a server waits for that holds theirs.
   */
  readonly apart: boolean;
}

/** By lower-case name. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * How far a request had come when it failed. `invalid`: HTTP cannot express it; `unsent`: nothing of it
 * was written; `sent`: some of it was; `unknown`: the runtime does not say.
 */
export type SendStage = "invalid" | "unsent" | "sent" | "unknown";

/** Where the answer to one HTTP request goes. Never called inside `send`, and never after `abort`. */
export interface HttpSink {
  onHead(status: number, headers: ResponseHeaders): void;
  onData(chunk: Uint8Array): void;
  /** The whole answer has arrived. Nothing follows. */
  onEnd(): void;
  /** It will not arrive. Nothing follows. */
  onError(error: unknown, stage: SendStage): void;
}

/** A request under way. */
export interface HttpExchange {
  /** Gives it up and closes its connection; the sink hears no more. No-op after the end. */
  abort(): void;
}

/** Sends HTTP requests to one origin: by undici on Node, by `fetch` elsewhere. Follows no redirect. */
export interface HttpSender {
  send(request: HttpRequest, sink: HttpSink): HttpExchange;
  /** Closes the connections that it opened itself. */
  close(): Promise<void>;
}

/** What a sender is made with. */
export interface HttpSenderOptions {
  readonly origin: string;
  /** Sends the requests in place of own connections, and is never closed. undici only. */
  readonly dispatcher: Dispatcher | undefined;
  /** Own connections that may be open at once, those of requests `apart` not counted. undici only. */
  readonly maxSockets: number;
  /** Longest time to a TCP and TLS connection. undici only: `fetch` has the runtime's. */
  readonly connectTimeoutMs: number;
  /** How long an idle connection is kept. undici only. */
  readonly keepAliveTimeoutMs: number;
}

/** What the private import `#http` gives. */
export interface HttpSenderModule {
  createHttpSender(options: HttpSenderOptions): HttpSender;
}
