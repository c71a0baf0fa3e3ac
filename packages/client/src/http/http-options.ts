import type { ClientAuth, Clock, Logger } from "@backplane/protocol";
import type { Dispatcher } from "undici";

/** Bounds on what a server may send. Whole numbers of 1 or more. */
export interface HttpLimits {
  /** Largest JSON answer or single SSE event, in bytes. */
  readonly maxResponseBytes: number;
  /** Deepest nesting of arrays and objects in a message. */
  readonly maxJsonDepth: number;
  /** Most events on the stream of one request that is not long-lived. `Infinity` for any number. */
  readonly maxStreamEvents: number;
}

/** How a broken stream of a legacy server is opened again. */
export interface ReconnectOptions {
  /** Attempts in a row that may bring nothing before the stream is given up. 1 or more. */
  readonly maxAttempts: number;
  /** First wait in milliseconds where the server names none with `retry`; it doubles each time. */
  readonly initialDelayMs: number;
  /** Longest wait of its own choice, in milliseconds. */
  readonly maxDelayMs: number;
  /** Longest time in milliseconds without a working stream, after which it is given up. */
  readonly budgetMs: number;
}

/** Everything that an HTTP transport needs to know. Complete: defaults are the business of the client's options. */
export interface HttpTransportOptions {
  /** The MCP endpoint: `http:` or `https:`, without credentials. */
  readonly url: string | URL;
  /** Sent with each request, unless the request, the credentials or the protocol give the same name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: ClientAuth | undefined;
  /** Sends the requests in place of own sockets, streams included. It is never closed. Node only. */
  readonly dispatcher: Dispatcher | undefined;
  /** Own sockets that may be open at once; streams that stay open come on top. */
  readonly maxSockets: number;
  /** Longest time to a TCP and TLS connection, and of `LegacySseTransport` to its first event, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long an idle socket is kept, in milliseconds; a server's `Keep-Alive` hint shortens it. */
  readonly keepAliveTimeoutMs: number;
  /** Longest that ending a session may take, in milliseconds. */
  readonly endSessionTimeoutMs: number;
  readonly limits: HttpLimits;
  readonly reconnect: ReconnectOptions;
  readonly logger: Logger;
  readonly clock: Clock;
  /** From 0 to below 1, for jitter. */
  readonly random: () => number;
}
