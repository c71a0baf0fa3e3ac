import { Secret } from "@backplane/protocol";
import type { JWK } from "jose";
import { assertHttpsOrLoopback } from "./client/common-options.ts";
import { rsaBitsOfJwk, rsaBitsOfPem } from "./internal/rsa-size.ts";

/** Where the keys come from that tokens are checked with: exactly one of these. */
export interface JWTKeyOptions {
  /**
   * The shared secret of HS256, HS384 or HS512, of 32, 48 or 64 random bytes at least. Several while one is
   * being replaced: the first signs, and tokens of every one are taken.
   */
  readonly secretKey?: SharedSecret | readonly SharedSecret[];
  /**
   * Public keys: PEM (SPKI or X.509) or a JWK, RSA of 2,048 bits at least. Several while one is being
   * replaced: of PEM each is tried, of JWKs a token names one by `kid`.
   */
  readonly publicKey?: string | readonly string[] | JWK | readonly JWK[];
  /** Where the keys are published (RFC 7517): https, or this machine. */
  readonly jwksUrl?: string;
  /** Finds the keys through the metadata of the issuer (RFC 8414). Default false. */
  readonly discover?: boolean;
}

/** A secret as text (its UTF-8 bytes) or bytes. */
export type SharedSecret = string | Uint8Array | Secret;

/** One of the places that keys come from. */
export type KeySource =
  | { readonly kind: "secret"; readonly secrets: readonly Uint8Array[] }
  | { readonly kind: "pem"; readonly pems: readonly string[] }
  | { readonly kind: "jwks"; readonly keys: readonly JWK[] }
  | { readonly kind: "remote"; readonly url: string | undefined };

/** Shortest secret of each HMAC algorithm, in bytes: as long as its hash (RFC 7518, 3.2). */
export const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/** RFC 7518, 3.3 and 3.5. */
const MIN_RSA_BITS = 2_048;

/** Fewer different bytes than any random secret has, as hexadecimal text too. */
const MIN_DISTINCT_BYTES = 8;

/** Each is tried on every token that none before it has signed. */
const MAX_KEYS = 10;

const SUBJECT = "JWTAuth";
const SOURCES = ["secretKey", "publicKey", "jwksUrl", "discover"] as const;

/**
 * Reads the one source of keys.
 * @throws {TypeError} that names the option, and never a key.
 */
export function readKeySource(
  options: JWTKeyOptions,
  issuer: string,
  algorithms: readonly string[],
): KeySource {
  const given = SOURCES.filter((name) => options[name] !== undefined && options[name] !== false);
  if (given.length !== 1) {
    throw new TypeError(`${SUBJECT}: give exactly one of the options ${SOURCES.join(", ")}`);
  }
  const usesSecret = (algorithms[0] as string) in HMAC_BYTES;
  if (usesSecret !== (given[0] === "secretKey")) {
    throw new TypeError(
      `${SUBJECT}: option "algorithms" ${usesSecret ? "needs the option secretKey" : "cannot be used with the option secretKey"}`,
    );
  }
  const { secretKey, publicKey, jwksUrl } = options;
  if (secretKey !== undefined) {
    const secrets = several("secretKey", secretKey);
    return { kind: "secret", secrets: secrets.map((secret) => secretOf(secret, algorithms)) };
  }
  if (publicKey !== undefined) return publicKeysOf(several<string | JWK>("publicKey", publicKey));
  if (jwksUrl !== undefined) {
    return { kind: "remote", url: assertHttpsOrLoopback(SUBJECT, "jwksUrl", jwksUrl).href };
  }
  assertHttpsOrLoopback(SUBJECT, "issuer", issuer);
  return { kind: "remote", url: undefined };
}

function several<Key>(option: string, given: Key | readonly Key[]): readonly Key[] {
  const keys: readonly Key[] = Array.isArray(given) ? given : [given as Key];
  if (keys.length > 0 && keys.length <= MAX_KEYS) return keys;
  throw new TypeError(`${SUBJECT}: option "${option}" takes 1 to ${MAX_KEYS} keys`);
}

function secretOf(given: SharedSecret, algorithms: readonly string[]): Uint8Array {
  const text = given instanceof Secret ? given.reveal() : given;
  const secret = typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array(text);
  const needed = Math.max(...algorithms.map((algorithm) => HMAC_BYTES[algorithm] as number));
  if (secret.byteLength < needed) {
    throw new TypeError(
      `${SUBJECT}: option "secretKey" has ${secret.byteLength} bytes; ${algorithms.join(", ")} needs ${needed} random ones at least, or whoever has a token can find the secret`,
    );
  }
  if (new Set(secret).size < MIN_DISTINCT_BYTES) {
    throw new TypeError(
      `${SUBJECT}: option "secretKey" repeats itself; it needs ${needed} random bytes, or whoever has a token can find the secret`,
    );
  }
  return secret;
}

function publicKeysOf(keys: readonly (string | JWK)[]): KeySource {
  const pems = keys.filter((key) => typeof key === "string");
  if (pems.length === 0) return { kind: "jwks", keys: (keys as readonly JWK[]).map(checkedJwk) };
  if (pems.length < keys.length) {
    throw new TypeError(`${SUBJECT}: option "publicKey" mixes PEM and JWKs; use one kind`);
  }
  return { kind: "pem", pems: pems.map(checkedPem) };
}

function checkedPem(given: string): string {
  const pem = given.trim();
  if (!/^-----BEGIN (?:PUBLIC KEY|CERTIFICATE)-----/.test(pem)) {
    throw new TypeError(
      `${SUBJECT}: option "publicKey" must be PEM that begins with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----"`,
    );
  }
  assertRsaSize(rsaBitsOfPem(pem));
  return pem;
}

function checkedJwk(key: JWK): JWK {
  const isPublic =
    typeof key === "object" &&
    key !== null &&
    typeof key.kty === "string" &&
    key.kty !== "oct" &&
    key.d === undefined;
  if (!isPublic) {
    throw new TypeError(`${SUBJECT}: option "publicKey" must hold public JWKs, without "d"`);
  }
  assertRsaSize(rsaBitsOfJwk(key));
  return key;
}

function assertRsaSize(bits: number | undefined): void {
  if (bits === undefined || bits >= MIN_RSA_BITS) return;
  throw new TypeError(
    `${SUBJECT}: option "publicKey" holds an RSA key of ${bits} bits; 2,048 are the least that cannot be factored`,
  );
}
