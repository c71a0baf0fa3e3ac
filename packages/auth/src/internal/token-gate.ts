import type {
  AuthenticationFailure,
  AuthenticationOutcome,
  AuthenticationRequest,
} from "@backplane/protocol";
import { AuthenticationError } from "../authentication-error.ts";
import { splitAuthorization } from "./authorization-header.ts";
import { refusalOf } from "./gate.ts";
import type { VerifiedToken } from "./token-cache.ts";

/** The parts of an authenticator of bearer tokens. */
export interface TokenChecks {
  verifyToken(token: string): VerifiedToken | Promise<VerifiedToken>;
  describe(error: AuthenticationError): AuthenticationFailure;
}

/** Verify and describe for a bearer token: at once for one that is remembered, later for a new one. */
export function gateBearer(
  checks: TokenChecks,
  request: AuthenticationRequest,
): AuthenticationOutcome | Promise<AuthenticationOutcome> {
  try {
    const { scheme, token } = splitAuthorization(request.header("authorization"));
    if (scheme !== "bearer") throw new AuthenticationError("missing_credentials", "credentials");
    const verified = checks.verifyToken(token);
    if (!(verified instanceof Promise)) return { principal: unbound(verified) };
    return verified.then(
      (settled) => outcomeOf(settled, checks),
      (error: unknown) => refused(error, checks),
    );
  } catch (error) {
    return refused(error, checks);
  }
}

function outcomeOf(verified: VerifiedToken, checks: TokenChecks): AuthenticationOutcome {
  try {
    return { principal: unbound(verified) };
  } catch (error) {
    return refused(error, checks);
  }
}

/** A token that is bound to a key is worth nothing without the proof (RFC 9449, 7.2). */
function unbound({ principal, keyThumbprint }: VerifiedToken): VerifiedToken["principal"] {
  if (keyThumbprint === undefined) return principal;
  throw new AuthenticationError("invalid_token", "binding");
}

function refused(error: unknown, checks: TokenChecks): AuthenticationOutcome {
  return refusalOf(error, (refusal) => checks.describe(refusal));
}
