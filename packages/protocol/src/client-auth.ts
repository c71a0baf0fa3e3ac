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
}

/** Where a client's credentials come from. One object may serve many connections at once. */
export interface ClientAuth {
  /**
   * The headers that authenticate one request; asked for before every request, so that a token can be
   * renewed. Credentials are only ever headers (spec: authorization, tokens must not stand in the URL).
   */
  headers(request: ClientAuthRequest): Promise<Readonly<Record<string, string>>>;
  /**
   * Told of a refusal. `retry`: there are better credentials now, the request is sent once more.
   * `fail`: the refusal stands. The client bounds how often it retries.
   */
  onChallenge(response: ClientAuthChallenge): Promise<"retry" | "fail">;
}
