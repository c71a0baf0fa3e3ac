import { isJsonObject, type Principal } from "@backplane/protocol";
import { AuthenticationError } from "../authentication-error.ts";
import type { VerifiedToken } from "./token-cache.ts";

/** Where a token says what: names of claims, or paths with dots between, such as `realm_access.roles`. */
export interface ClaimNames {
  /** Default `sub`, or the client for a token without one. */
  readonly id?: string;
  /** A text with blanks between, or an array. Default `scope`, or `scp`. */
  readonly scopes?: string;
  /** A text with blanks between, or an array. Default `roles`. */
  readonly roles?: string;
  /** Default `client_id`, or `azp`. */
  readonly clientId?: string;
}

export const CLAIM_NAMES: readonly string[] = ["id", "scopes", "roles", "clientId"];

/** More than anybody has: a token that says more is cut, and so grants less. */
const MAX_PERMISSIONS = 1_000;

/**
 * What the verified claims say, as a principal.
 * @throws {AuthenticationError} when they name nobody, or no end.
 */
export function readClaims(
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames,
  issuer: string,
): VerifiedToken {
  const clientId = text(claims, names.clientId ?? "client_id") ?? text(claims, "azp");
  const id = text(claims, names.id ?? "sub") ?? (names.id === undefined ? clientId : undefined);
  if (id === undefined) throw new AuthenticationError("invalid_token", "claims");
  const expiresAtMs = Number(claims["exp"]) * 1_000;
  if (!Number.isFinite(expiresAtMs)) throw new AuthenticationError("invalid_token", "expiry");
  const keyThumbprint = boundKey(claims["cnf"]);
  const principal: Principal = Object.freeze({
    id,
    issuer,
    ...(clientId !== undefined && { clientId }),
    scopes: words(claims, names.scopes === undefined ? ["scope", "scp"] : [names.scopes]),
    roles: words(claims, [names.roles ?? "roles"]),
    claims: Object.freeze(claims),
    expiresAtMs,
  });
  return { principal, expiresAtMs, ...(keyThumbprint !== undefined && { keyThumbprint }) };
}

/**
 * The key that the token is bound to. One that is bound in a way that nobody checks here, to a certificate
 * (RFC 8705, 3.1) for example, is refused: without that check a thief could use it.
 */
function boundKey(confirmation: unknown): string | undefined {
  if (confirmation === undefined) return undefined;
  if (isJsonObject(confirmation)) {
    const { jkt, ...others } = confirmation;
    if (typeof jkt === "string" && jkt !== "" && Object.keys(others).length === 0) return jkt;
  }
  throw new AuthenticationError("invalid_token", "binding");
}

function at(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  // Whole first: names of claims may be URLs, with dots of their own.
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split(".")) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function text(claims: Readonly<Record<string, unknown>>, path: string): string | undefined {
  const value = at(claims, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function words(
  claims: Readonly<Record<string, unknown>>,
  paths: readonly string[],
): readonly string[] {
  const value = paths.map((path) => at(claims, path)).find((found) => found !== undefined);
  const all = typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  const found = all.filter((word): word is string => typeof word === "string" && word !== "");
  return Object.freeze([...new Set(found)].slice(0, MAX_PERMISSIONS));
}
