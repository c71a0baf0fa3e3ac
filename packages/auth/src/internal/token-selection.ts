import { isJsonObject } from "@backplane/protocol";
import { AuthenticationError } from "../authentication-error.ts";
import type { VerifiedToken } from "./token-cache.ts";

/** Who can check the tokens of one authorization server: `JWTAuth`, `IntrospectionAuth`, or one of your own. */
export interface TokenVerifier {
  /** The authorization server, as `iss` names it. */
  readonly issuer: string;
  /** What `aud` must name, one of them. */
  readonly audience: readonly string[];
  /** Throws, or rejects with, an `AuthenticationError`. */
  verifyToken(token: string): VerifiedToken | Promise<VerifiedToken>;
}

/**
 * Has a token checked by the authorization server that it names, and by no other: their keys are not
 * interchangeable. One that names none, because only its server can read it, goes to each in turn.
 * @throws {AuthenticationError}
 */
export function selectVerifier(
  verifiers: readonly TokenVerifier[],
  token: string,
): VerifiedToken | Promise<VerifiedToken> {
  const [only, ...others] = verifiers as [TokenVerifier, ...TokenVerifier[]];
  if (others.length === 0) return only.verifyToken(token);
  const issuer = issuerOf(token);
  if (issuer === undefined) return each(verifiers, token);
  const named = verifiers.filter((verifier) => verifier.issuer === issuer);
  if (named.length === 0) throw new AuthenticationError("invalid_token", "issuer");
  return named.length === 1 ? (named[0] as TokenVerifier).verifyToken(token) : each(named, token);
}

async function each(verifiers: readonly TokenVerifier[], token: string): Promise<VerifiedToken> {
  let refusal: unknown;
  for (const verifier of verifiers) {
    try {
      return await verifier.verifyToken(token);
    } catch (error) {
      if (!AuthenticationError.isInstance(error)) throw error;
      // That one could not tell outweighs that another one said no.
      const better = refusal === undefined || error.code === "unavailable";
      if (better) refusal = error;
    }
  }
  throw refusal;
}

/** Read without a check: it only says whose check is wanted. */
function issuerOf(token: string): string | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const text = atob((parts[1] as string).replaceAll("-", "+").replaceAll("_", "/"));
    const claims: unknown = JSON.parse(text);
    const issuer = isJsonObject(claims) ? claims["iss"] : undefined;
    return typeof issuer === "string" ? issuer : undefined;
  } catch {
    return undefined;
  }
}
