import type { Principal } from "../principal.ts";

/** The part of an HTTP request that identity may be read from. Never the MCP message. */
export interface AuthenticationRequest {
  readonly method: string;
  /** Path and query, as received. */
  readonly path: string;
  /** A header's value by lower-case name; several values joined by `, `. */
  header(name: string): string | undefined;
  readonly remoteAddress: string | undefined;
  /**
   * Scheme and host by which the client came, where a proxy that the server trusts says so, such as
   * `https://mcp.example`. Undefined where nobody says.
   */
  readonly forwardedOrigin?: string | undefined;
}

/** A refusal, ready to be sent. */
export interface AuthenticationFailure {
  /**
   * 401 without or with a bad credential, 403 without enough scope, 400 for a malformed request, 503 when
   * nobody can say now, so that a client keeps a credential which may be good.
   */
  readonly status: 400 | 401 | 403 | 503;
  /** Sent as they are; `WWW-Authenticate` belongs here. */
  readonly headers: Readonly<Record<string, string>>;
  /** Shown to the client: names no secret and no stage. */
  readonly message: string;
  /** Which check refused, for the log of this process only: a fixed word, never a part of the credential. */
  readonly stage?: string;
  /** What lies behind it, for the log of this process only. */
  readonly cause?: unknown;
}

/** What an authenticator may know of the server that it guards. */
export interface GuardedServer {
  /** Every scope that a registered primitive demands, each once, sorted. */
  scopes(): readonly string[];
}

/** What a client needs before it has a credential, such as metadata by RFC 9728. Says the same to everybody. */
export interface PublicDocument {
  readonly contentType: string;
  body(server: GuardedServer): string;
}

/** Who is calling, or why that cannot be said. */
export type AuthenticationOutcome =
  | { readonly principal: Principal }
  | { readonly failure: AuthenticationFailure };

/** Establishes who is calling, on every request, before anything is dispatched. */
export interface Authenticator {
  /** Must not throw for a malformed credential: that is a failure like any other. */
  authenticate(
    request: AuthenticationRequest,
  ): AuthenticationOutcome | Promise<AuthenticationOutcome>;
  /** The refusal of a caller who lacks some of `scopes`, in the terms that this authenticator's clients know. */
  stepUp?(scopes: readonly string[]): AuthenticationFailure;
  /**
   * Headers that it reads credentials from, by lower-case name: handlers do not see them. `authorization`,
   * `proxy-authorization`, `cookie` and `dpop` are hidden in any case.
   */
  readonly credentialHeaders?: readonly string[];
  /** By path. Served on GET without a credential, to every origin. */
  readonly documents?: ReadonlyMap<string, PublicDocument>;
  /** What weakens it, for the operator: the server warns of each once. */
  readonly notices?: readonly string[];
}
