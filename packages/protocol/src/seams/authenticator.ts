import type { Principal } from "../principal.ts";

/** The part of an HTTP request that identity may be read from. Never the MCP message. */
export interface AuthenticationRequest {
  readonly method: string;
  /** Path and query, as received. */
  readonly path: string;
  /** A header's value by lower-case name; several values joined by `, `. */
  header(name: string): string | undefined;
  readonly remoteAddress: string | undefined;
}

/** A refusal, ready to be sent. */
export interface AuthenticationFailure {
  /** 401 without or with a bad credential, 403 without enough scope, 400 for a malformed request. */
  readonly status: 400 | 401 | 403;
  /** Sent as they are; `WWW-Authenticate` belongs here. */
  readonly headers: Readonly<Record<string, string>>;
  /** Shown to the client: names no secret and no stage. */
  readonly message: string;
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
}
