/**
 * Who is calling, as an authenticator established it. Never built from anything the MCP message
 * itself says: `clientInfo` is self-reported (spec: basic/index, `_meta`).
 */
export interface Principal {
  /** Stable and unique among the authenticator's principals. */
  readonly id: string;
  /** The issuer or authenticator that vouches for `id`; two issuers may use the same id. */
  readonly issuer?: string;
  /** The OAuth client through which the principal acts. */
  readonly clientId?: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Verified claims, for rules that need more than scopes and roles. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** When the credential ends, milliseconds since the epoch. */
  readonly expiresAtMs?: number;
  /** How often it may call, instead of what a rate limit has for principals in general. */
  readonly rateLimit?: RateLimitQuota;
}

/** So many calls in so much time, evenly refilled. */
export interface RateLimitQuota {
  /** Calls in `windowMs`; a whole number of 1 or more. */
  readonly limit: number;
  /** In milliseconds; a whole number of 1 or more. */
  readonly windowMs: number;
  /** Calls that may come at once after a pause. Default `limit`. */
  readonly burst?: number;
}

/**
 * The string under which state is kept for a principal: sessions, sealed state, cache entries.
 * Anonymous traffic shares one key that no principal can have.
 */
export function principalKey(principal: Principal | undefined): string {
  return principal === undefined
    ? ""
    : JSON.stringify([principal.issuer ?? "", principal.id, principal.clientId ?? ""]);
}
