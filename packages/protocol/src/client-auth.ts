/** The request that credentials are asked for. */
export interface ClientAuthRequest {
  readonly method: string;
  /** Absolute, without credentials. A credential must not be given to another origin than its own. */
  readonly url: string;
}

/** A refusal: 401, or 403 with a challenge. */
export interface ClientAuthChallenge {
  readonly status: number;
  /** By lower-case name; several values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The URL that was refused. */
  readonly url: string;
  /**
   * What `headers()` gave for the refused request. Requests run side by side: a refusal of credentials
   * that have been replaced meanwhile asks for a retry, not for another renewal.
   */
  readonly sent: Readonly<Record<string, string>>;
}

/**
 * Where a client's credentials come from: those of the client, not of whoever calls. One object may serve many
 * connections at once, and is asked in the async context of another call where a request waited for its connection:
 * it must not read an `AsyncLocalStorage`. Callers with credentials of their own need a client each.
 */
export interface ClientAuth {
  /**
   * The headers that authenticate one request; asked for before every request, so that a token can be
   * renewed. Credentials are only ever headers (spec: authorization, tokens must not stand in the URL).
   * A rejection says why there are none; the request is not sent and fails, with that error as the cause.
   */
  headers(request: ClientAuthRequest): Promise<Readonly<Record<string, string>>>;
  /**
   * Told of a refusal. `retry`: there are better credentials now, the request is sent once more.
   * `fail`: the refusal stands. A rejection says why there are no better ones; the request fails with
   * that error as the cause. The client bounds how often it retries; a first request can need three
   * retries, for a token, for a DPoP nonce and for wider scopes.
   */
  onChallenge(response: ClientAuthChallenge): Promise<"retry" | "fail">;
}
