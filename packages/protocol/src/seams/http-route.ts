import type { Principal } from "../principal.ts";
import type { AuthenticationOutcome } from "./authenticator.ts";

/** The methods that a route may have. `HEAD` is served where `GET` is. */
export type HttpRouteMethod = "GET" | "POST" | "PUT" | "DELETE";

/** One request of a route, after the guards, with its whole body. */
export interface HttpRouteRequest {
  readonly method: string;
  /** The path alone, as received: neither decoded nor normalised. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A header's value by lower-case name; several values joined by `, `. */
  header(name: string): string | undefined;
  /** The value of a cookie, as sent (RFC 6265, 4.2). */
  cookie(name: string): string | undefined;
  /** Empty for GET. At most the route's `maxBodyBytes`. */
  readonly body: string;
  readonly remoteAddress: string | undefined;
  /** Who is asking; undefined on a public route, on an open one and for an anonymous caller. */
  readonly principal: Principal | undefined;
  /** Fires when the client is gone, the route's time is over or the server stops. */
  readonly signal: AbortSignal;
  /**
   * Asks the server's authenticator about a credential that came in another way than by this request's
   * headers, such as a form. Undefined on a server without an authenticator.
   */
  authenticate(
    headers: Readonly<Record<string, string>>,
  ): AuthenticationOutcome | undefined | Promise<AuthenticationOutcome | undefined>;
}

/** An open `text/event-stream` answer. Ended by the server when it drains or the credential ends. */
export interface HttpEventStream {
  /**
   * Queues an event. A reader that is the server's `limits.maxQueuedBytes` behind is disconnected.
   * @throws {TypeError} for a member that holds a line break, which would begin another field.
   */
  send(event: { readonly data: string; readonly event?: string; readonly id?: string }): void;
  /** Bytes that the reader has not taken yet. */
  readonly queuedBytes: number;
  readonly closed: boolean;
  /** Ends the answer. Idempotent. */
  close(): void;
  /** Calls back once when the stream has ended, whoever ended it. What the listener throws is logged. */
  onClose(listener: () => void): void;
}

/** The answer of a route. */
export interface HttpRouteResponse {
  /** Default 200. */
  readonly status?: number;
  /**
   * Sent as they are, over `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`. A body is
   * `application/json` unless they say otherwise.
   */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Makes the answer an event stream instead, with status 200. It counts as one of `limits.maxStreams`. */
  readonly stream?: (stream: HttpEventStream) => void;
}

/**
 * Something that a server answers over HTTP beside MCP: `/metrics`, a dashboard. Host and Origin are
 * checked, bodies and time are bounded, and no CORS header is sent.
 */
export interface HttpRoute {
  readonly method: HttpRouteMethod;
  /** An exact path (`/metrics`), or every path below one (`/dashboard/*`). */
  readonly path: string;
  /**
   * `authenticated`: the server's authenticator, or `identify`, must know the caller, before the body is
   * read. `public`: everybody is answered, so nothing that depends on the server's data may be.
   */
  readonly access: "authenticated" | "public";
  /**
   * Serves an `authenticated` route without a credential, to this machine alone: refused when the server
   * binds beyond loopback, to a peer that is not on loopback, and to a request with a forwarded header, behind
   * which a proxy hides somebody else. A proxy on this machine that adds no such header cannot be told from a
   * caller on this machine: behind one, ask for a credential. Default false.
   */
  readonly open?: boolean;
  /** Longest body in bytes. Default 65,536; never over the server's `limits.maxBodyBytes`. */
  readonly maxBodyBytes?: number;
  /**
   * Knows a caller by what the route's owner gave out itself, such as a session cookie; asked before the
   * server's authenticator, which decides when the answer is undefined.
   */
  identify?(
    request: Pick<HttpRouteRequest, "method" | "path" | "header" | "cookie" | "remoteAddress">,
  ): Principal | undefined | Promise<Principal | undefined>;
  /** A throw is a 500 with a correlation id, logged once. Its time is the server's `deadlines.idleMs`. */
  handle(request: HttpRouteRequest): HttpRouteResponse | Promise<HttpRouteResponse>;
}

/** What a server answers over HTTP beside its MCP endpoint, as `server.routes` lists it. */
export interface HttpRouteInfo {
  readonly method: HttpRouteMethod;
  readonly path: string;
  /** `probe` skips the Host and Origin guards and says nothing but a status. */
  readonly access: "authenticated" | "public" | "probe";
  readonly open: boolean;
}
