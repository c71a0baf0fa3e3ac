import { AuthenticationError } from "../authentication-error.ts";

/** Longest token that is looked at. */
const MAX_TOKEN_LENGTH = 12_288;

/** RFC 6750, 2.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** What stands in an `Authorization` header. */
export interface AuthorizationHeader {
  readonly scheme: "bearer" | "dpop";
  readonly token: string;
}

/**
 * The token of a request. Tokens in the URL or the body are never looked at (RFC 6750, 2.2 and 2.3).
 * @throws {AuthenticationError} `missing_credentials` without `Bearer` or `DPoP`, `invalid_request` when what
 * stands behind is no token (RFC 6750, 3.1).
 */
export function readAuthorization(header: string | undefined): AuthorizationHeader {
  const found = splitAuthorization(header);
  assertTokenForm(found.token);
  return found;
}

/**
 * The same without a look at the token, for who finds it among those that were looked at before.
 * @throws {AuthenticationError} `missing_credentials`.
 */
export function splitAuthorization(header: string | undefined): AuthorizationHeader {
  // Nearly every client spells it so.
  const scheme = header?.startsWith("Bearer ") ? "bearer" : schemeOf(header);
  const token = scheme && header?.slice(scheme.length + 1).trimStart();
  if (scheme && token) return { scheme, token };
  throw new AuthenticationError("missing_credentials", "credentials");
}

function schemeOf(header = ""): AuthorizationHeader["scheme"] | undefined {
  const scheme = header.slice(0, Math.max(header.indexOf(" "), 0)).toLowerCase();
  return scheme === "bearer" || scheme === "dpop" ? scheme : undefined;
}

/** @throws {AuthenticationError} `invalid_request`. */
export function assertTokenForm(token: string): void {
  if (token.length > MAX_TOKEN_LENGTH || !TOKEN.test(token)) {
    throw new AuthenticationError("invalid_request", "format");
  }
}
