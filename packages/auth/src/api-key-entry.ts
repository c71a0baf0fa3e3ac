import {
  type AuthenticationOutcome,
  checkMembers,
  filledNumbers,
  type Principal,
  type RateLimitQuota,
  Secret,
  sha256,
  sha256Binary,
} from "@backplane/protocol";
import { checkedRoles, checkedScopes } from "./internal/permissions.ts";

/** A key with what its bearer may do. */
export interface APIKey {
  /** The key itself: 1 to 512 characters of printable ASCII without blanks. Either this or `digest`. */
  readonly key?: string | Secret;
  /** What `hashApiKey` made of it, so that a file of keys holds none. */
  readonly digest?: string;
  /** Default none. An empty list is refused. */
  readonly scopes?: readonly string[];
  /** Default none. An empty list is refused. */
  readonly roles?: readonly string[];
  /** How often it may call, instead of what `rateLimit` has for principals in general. */
  readonly rateLimit?: RateLimitQuota;
  /** When it ends: a date, or an ISO 8601 text. A key that is being replaced gets one. Default never. */
  readonly notAfter?: Date | string;
}

/** Keys by the client that they stand for; several for one while they are being replaced. */
export type APIKeys = Readonly<
  Record<string, string | Secret | APIKey | readonly (string | Secret | APIKey)[]>
>;

/** A key as it is kept: nothing in it leads back to the key. */
export interface APIKeyEntry {
  /** As {@link keyDigest} makes it. */
  readonly digest: string;
  readonly principal: Principal;
  /** What is answered each time. */
  readonly outcome: AuthenticationOutcome;
  /** `Infinity` for never. */
  readonly notAfterMs: number;
  readonly isWeak: boolean;
}

const MEMBERS: readonly string[] = [
  "key",
  "digest",
  "scopes",
  "roles",
  "rateLimit",
  "notAfter",
] satisfies (keyof APIKey)[];

/** What a header can carry as one value; a list of several has a blank in it. */
export const API_KEY_FORM: RegExp = /^[\x21-\x7e]{1,512}$/;
const DIGEST_FORM = /^sha256:([\w-]{43})$/;
const MIN_KEY_LENGTH = 16;

/**
 * The form in which a key can be kept in a file: SHA-256 without a salt, which is enough for keys that
 * nobody can guess (see `generateApiKey`), and not for passwords.
 */
export function hashApiKey(key: string | Secret): string {
  return `sha256:${sha256(revealed(key))}`;
}

/** A new key: 32 random bytes behind a prefix by which scanners recognise it. */
export function generateApiKey(prefix = "bpk"): string {
  if (!/^[A-Za-z0-9]{1,16}$/.test(prefix)) {
    throw new TypeError(`generateApiKey: the prefix must be 1 to 16 letters and digits`);
  }
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(32));
  const text = btoa(String.fromCharCode(...bytes));
  return `${prefix}_${text.replaceAll("+", "-").replaceAll("/", "_").replace("=", "")}`;
}

/** @throws {TypeError} that names the client and the option, and never the key. */
export function readApiKey(
  client: string,
  issuer: string,
  given: string | Secret | APIKey,
): APIKeyEntry {
  const subject = `APIKeyAuth: client ${JSON.stringify(client)}`;
  if (client === "") throw new TypeError("APIKeyAuth: a client's name must not be empty");
  const options: APIKey =
    typeof given === "string" || given instanceof Secret ? { key: given } : given;
  checkMembers(subject, options, MEMBERS);
  const { key, digest, rateLimit } = options;
  if ((key === undefined) === (digest === undefined)) {
    throw new TypeError(`${subject}: give either "key" or "digest"`);
  }
  const notAfterMs = timeOf(subject, options.notAfter);
  const entry = {
    scopes: checkedScopes(subject, "scopes", options.scopes),
    roles: checkedRoles(subject, "roles", options.roles),
    ...(rateLimit !== undefined && { rateLimit: checkedQuota(subject, rateLimit) }),
    ...(notAfterMs !== Number.POSITIVE_INFINITY && { expiresAtMs: notAfterMs }),
  };
  const principal = Object.freeze({ id: client, issuer, ...entry });
  return {
    digest: key === undefined ? digestOf(subject, digest) : sha256Binary(keyText(subject, key)),
    principal,
    outcome: Object.freeze({ principal }),
    notAfterMs,
    isWeak: key !== undefined && revealed(key).length < MIN_KEY_LENGTH,
  };
}

function keyText(subject: string, key: string | Secret): string {
  const text = revealed(key);
  if (typeof text === "string" && API_KEY_FORM.test(text)) return text;
  throw new TypeError(
    `${subject}: the key must be 1 to 512 characters of printable ASCII without blanks`,
  );
}

/** Under what an entry is found: for a key, or for what `hashApiKey` made of it. */
export function keyDigest(key: string | Secret): string {
  const text = revealed(key);
  return readDigest(text) ?? sha256Binary(text);
}

/** Undefined for what `hashApiKey` does not make. */
function readDigest(text: string): string | undefined {
  const digest = DIGEST_FORM.exec(text)?.[1];
  return digest && atob(digest.replaceAll("-", "+").replaceAll("_", "/"));
}

function digestOf(subject: string, digest: unknown): string {
  const found = typeof digest === "string" ? readDigest(digest) : undefined;
  if (found !== undefined) return found;
  throw new TypeError(`${subject}: "digest" must be what hashApiKey makes: "sha256:…"`);
}

function checkedQuota(subject: string, quota: RateLimitQuota): RateLimitQuota {
  const { limit, windowMs } = quota;
  return Object.freeze(
    filledNumbers(subject, "rateLimit", { limit, windowMs, burst: limit }, quota),
  );
}

function timeOf(subject: string, notAfter: Date | string | undefined): number {
  if (notAfter === undefined) return Number.POSITIVE_INFINITY;
  const timeMs = notAfter instanceof Date ? notAfter.getTime() : Date.parse(notAfter);
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new TypeError(`${subject}: "notAfter" must be a date or an ISO 8601 text`);
}

function revealed(key: string | Secret): string {
  return key instanceof Secret ? key.reveal() : key;
}
