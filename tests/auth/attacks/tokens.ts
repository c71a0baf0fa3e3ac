import { type CryptoKey, type JWTHeaderParameters, SignJWT } from "jose";
import type { Headers } from "../../protocol/harness/http.ts";

export const ISSUER = "https://as.example";
export const AUDIENCE = "https://mcp.example/mcp";

export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

type Claims = Readonly<Record<string, unknown>>;

/** Claims of a token that every check lets through; one set to undefined is left out. */
export function goodClaims(more: Claims = {}): Claims {
  const iat = nowSeconds();
  const all = { iss: ISSUER, aud: AUDIENCE, sub: "alice", iat, exp: iat + 600, ...more };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A token with whatever it is told to say, signed with a secret (HS256) or a key. */
export function signedBy(
  key: string | Uint8Array | CryptoKey,
  claims: Claims = {},
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const bytes = typeof key === "string" ? new TextEncoder().encode(key) : key;
  return new SignJWT({ ...goodClaims(claims) })
    .setProtectedHeader({ alg: "HS256", typ: "at+jwt", ...header })
    .sign(bytes);
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token by hand, for what no library makes. */
export function unsigned(header: object, claims: Claims = goodClaims(), signature = ""): string {
  return `${encode(header)}.${encode(claims)}.${signature}`;
}
