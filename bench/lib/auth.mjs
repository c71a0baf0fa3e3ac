// The credentials of the scenarios with authentication: what servers are told and what requests carry.
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";

export const authEntry = new URL("../../packages/auth/dist/index.js", import.meta.url);
export const backplaneAuthIsBuilt = existsSync(authEntry);

export const issuer = "https://as.example";
export const audience = "https://mcp.example/mcp";
export const secret = "a shared secret of the benchmark, longer than 32 bytes";

/** Callers that take turns, each with a bucket of its own. */
const CALLERS = 16;
const LIFE_SECONDS = 86_400;

/** By client, as `APIKeyAuth` takes them. */
export const apiKeys = Object.fromEntries(
  Array.from({ length: CALLERS }, (_, index) => [
    `client${index}`,
    { key: `bench-key-of-client-${String(index).padStart(4, "0")}`, scopes: ["call"] },
  ]),
);

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = encode({ alg: "HS256", typ: "JWT" });

/** A token with HS256, made at a cost that does not hold up the load. */
export function tokenOf(sub) {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: audience, sub, scope: "call", iat, exp: iat + LIFE_SECONDS };
  const signed = `${header}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** The headers of each caller; one empty set without authentication. */
export function credentialsOf(kind) {
  if (kind === "keys") return Object.values(apiKeys).map(({ key }) => ({ "X-API-Key": key }));
  if (kind === "jwt") {
    return Object.keys(apiKeys).map((name) => ({ Authorization: `Bearer ${tokenOf(name)}` }));
  }
  return [{}];
}
