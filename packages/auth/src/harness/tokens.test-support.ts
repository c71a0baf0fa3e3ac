import type { AuthenticationOutcome, Authenticator } from "@backplane/protocol";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { requestOf } from "./requests.test-support.ts";

export const ISSUER = "https://as.example";
export const AUDIENCE = "https://mcp.example/mcp";
export const SECRET = "a shared secret of more than sixty-four bytes, for HS512 needs that many";

/** A key that signs, with its public half under a `kid`. */
export interface Signer {
  readonly jwk: JWK;
  sign(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

export async function createSigner(alg = "ES256", kid = "key-1"): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg };
  return {
    jwk,
    sign: (claims = {}, header = {}) =>
      new SignJWT(payload(claims)).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

/** The claims of a token that is taken, and changes; undefined takes one away. */
export function payload(claims: JWTPayload = {}, nowMs = Date.now()): JWTPayload {
  const seconds = Math.floor(nowMs / 1_000);
  const all: JWTPayload = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "ada",
    iat: seconds,
    exp: seconds + 600,
    ...claims,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export async function bearer(auth: Authenticator, token: string): Promise<AuthenticationOutcome> {
  return auth.authenticate(requestOf({ authorization: `Bearer ${token}` }));
}

/** The stage at which a credential is refused; the principal's id when it is taken. */
export function verdict(outcome: AuthenticationOutcome): string | undefined {
  return "principal" in outcome ? outcome.principal.id : `refused: ${outcome.failure.stage}`;
}
