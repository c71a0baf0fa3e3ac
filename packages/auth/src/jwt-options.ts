import {
  type Clock,
  checkMembers,
  checkMethods,
  compileUrlPolicy,
  filledNumbers,
  type SafeUrlPolicy,
  Secret,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import type { JWK } from "jose";
import { assertHttpsOrLoopback } from "./client/common-options.ts";
import { checkedAudience } from "./internal/audience.ts";
import { CLAIM_NAMES, type ClaimNames } from "./internal/claims.ts";
import type { TokenCacheOptions } from "./internal/token-cache.ts";
import { headerText } from "./internal/www-authenticate.ts";
import type { JwksTimes } from "./jwks.ts";

/** Shortest secret of each HMAC algorithm, in bytes: as long as its hash (RFC 7518, 3.2). */
const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };
const ASYMMETRIC: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Signature algorithms of tokens (RFC 7518, 3.1; RFC 8037; RFC 9864). `none` is not one. */
export type JWTAlgorithm =
  | "HS256"
  | "HS384"
  | "HS512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA"
  | "Ed25519";

/** What `new JWTAuth` takes: who issues, for whom, signed how, and exactly one source of keys. */
export interface JWTAuthOptions {
  /** The `iss` of every token, compared as it is. Required. */
  readonly issuer: string;
  /**
   * What `aud` must name: this server, by its canonical URI. Required, so that a token for another server
   * is of no use here. Several while one is being replaced.
   */
  readonly audience: string | readonly string[];
  /** What may sign. Required: a token never chooses by itself. */
  readonly algorithms: readonly JWTAlgorithm[];
  /** The shared secret of HS256, HS384 or HS512, of 32, 48 or 64 bytes at least. */
  readonly secretKey?: string | Uint8Array | Secret;
  /** Public keys: PEM (SPKI or X.509), one JWK, or several, of which a token names one by `kid`. */
  readonly publicKey?: string | JWK | readonly JWK[];
  /** Where the keys are published (RFC 7517): https, or this machine. */
  readonly jwksUrl?: string;
  /** Finds the keys through the metadata of the issuer (RFC 8414). Default false. */
  readonly discover?: boolean;
  /** The `typ` of every token, such as `at+jwt` (RFC 9068). Default: any. */
  readonly type?: string;
  /** How far clocks may differ, in milliseconds, 0 to 300,000. Default 5,000. */
  readonly clockToleranceMs?: number;
  /** Where a token says what. */
  readonly claims?: ClaimNames;
  /** How many checked tokens are remembered, and for how long. Default 10,000 and 300,000 ms. */
  readonly cache?: Partial<TokenCacheOptions>;
  /** When published keys are fetched again. Default after 600,000 ms; for an unknown key every 30,000 ms. */
  readonly jwks?: Partial<JwksTimes>;
  /** For each request to the authorization server, in milliseconds. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** Where keys may be fetched from beside the URLs named here. Default: the public internet, by https. */
  readonly urlPolicy?: SafeUrlPolicy;
  /** Sends the requests for keys; must not follow redirects. Default: checks the address it connects to. */
  readonly fetch?: typeof globalThis.fetch;
  /** Stands in the challenge. Default `mcp`. */
  readonly realm?: string;
  readonly clock?: Clock;
}

/** One of the places that keys come from. */
export type KeySource =
  | { readonly kind: "secret"; readonly secret: Uint8Array }
  | { readonly kind: "pem"; readonly pem: string }
  | { readonly kind: "jwks"; readonly keys: readonly JWK[] }
  | { readonly kind: "remote"; readonly url: string | undefined };

/** {@link JWTAuthOptions}, complete. */
export interface ResolvedJWTOptions {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  readonly source: KeySource;
  readonly type: string | undefined;
  readonly clockToleranceMs: number;
  readonly claims: ClaimNames;
  readonly cache: TokenCacheOptions;
  readonly jwks: JwksTimes;
  readonly requestTimeoutMs: number;
  readonly urlPolicy: SafeUrlPolicy;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly realm: string;
  readonly clock: Clock;
}

const SUBJECT = "JWTAuth";
const KNOWN: readonly string[] = [
  "issuer",
  "audience",
  "algorithms",
  "secretKey",
  "publicKey",
  "jwksUrl",
  "discover",
  "type",
  "clockToleranceMs",
  "claims",
  "cache",
  "jwks",
  "requestTimeoutMs",
  "urlPolicy",
  "fetch",
  "realm",
  "clock",
] satisfies (keyof JWTAuthOptions)[];

const DEFAULT_TOKEN_CACHE: TokenCacheOptions = { maxEntries: 10_000, ttlMs: 300_000 };
const DEFAULT_JWKS: JwksTimes = { maxAgeMs: 600_000, cooldownMs: 30_000 };

/** @throws {TypeError} that names the option, and never a key. */
export function resolveJWTOptions(options: JWTAuthOptions): ResolvedJWTOptions {
  checkMembers(SUBJECT, options, KNOWN);
  checkMethods(SUBJECT, "clock", options.clock, ["now", "after"]);
  compileUrlPolicy(options.urlPolicy);
  checkMembers(`${SUBJECT}: option "claims"`, options.claims ?? {}, CLAIM_NAMES);
  const { issuer, type, clockToleranceMs = 5_000 } = options;
  if (typeof issuer !== "string" || issuer === "") {
    throw new TypeError(`${SUBJECT}: option "issuer" is required: the iss of every token`);
  }
  if (
    !Number.isSafeInteger(clockToleranceMs) ||
    clockToleranceMs < 0 ||
    clockToleranceMs > 300_000
  ) {
    throw new TypeError(`${SUBJECT}: option "clockToleranceMs" must be 0 to 300,000`);
  }
  if (type !== undefined) headerText(SUBJECT, "type", type);
  const algorithms = algorithmsOf(options.algorithms);
  return {
    issuer,
    audience: checkedAudience(SUBJECT, options.audience),
    algorithms,
    source: sourceOf(options, algorithms),
    type,
    clockToleranceMs,
    claims: options.claims ?? {},
    cache: filledNumbers(SUBJECT, "cache", DEFAULT_TOKEN_CACHE, options.cache),
    jwks: filledNumbers(SUBJECT, "jwks", DEFAULT_JWKS, options.jwks),
    requestTimeoutMs: wholeNumber(SUBJECT, "requestTimeoutMs", options.requestTimeoutMs ?? 5_000),
    urlPolicy: options.urlPolicy ?? {},
    fetch: options.fetch,
    realm: headerText(SUBJECT, "realm", options.realm ?? "mcp"),
    clock: options.clock ?? systemClock,
  };
}

function algorithmsOf(given: unknown): readonly string[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new TypeError(`${SUBJECT}: option "algorithms" is required, such as ["ES256"]`);
  }
  for (const algorithm of given) {
    if (!(algorithm in HMAC_BYTES) && !ASYMMETRIC.includes(algorithm)) {
      throw new TypeError(
        `${SUBJECT}: option "algorithms" holds ${JSON.stringify(algorithm)}; it takes ${[...Object.keys(HMAC_BYTES), ...ASYMMETRIC].join(", ")}`,
      );
    }
  }
  const shared = given.filter((algorithm) => algorithm in HMAC_BYTES);
  // A public key taken for a secret is a forger's oldest trick (RFC 8725, 3.1).
  if (shared.length > 0 && shared.length < given.length) {
    throw new TypeError(
      `${SUBJECT}: option "algorithms" mixes shared secrets (${shared.join(", ")}) with public keys; use one kind`,
    );
  }
  return given;
}

const SOURCES = ["secretKey", "publicKey", "jwksUrl", "discover"] as const;

function sourceOf(options: JWTAuthOptions, algorithms: readonly string[]): KeySource {
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
  if (secretKey !== undefined) return { kind: "secret", secret: secretOf(secretKey, algorithms) };
  if (publicKey !== undefined) return publicKeyOf(publicKey);
  if (jwksUrl !== undefined) {
    return { kind: "remote", url: assertHttpsOrLoopback(SUBJECT, "jwksUrl", jwksUrl).href };
  }
  assertHttpsOrLoopback(SUBJECT, "issuer", options.issuer);
  return { kind: "remote", url: undefined };
}

function secretOf(given: string | Uint8Array | Secret, algorithms: readonly string[]): Uint8Array {
  const text = given instanceof Secret ? given.reveal() : given;
  const secret = typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array(text);
  const needed = Math.max(...algorithms.map((algorithm) => HMAC_BYTES[algorithm] as number));
  if (secret.byteLength < needed) {
    throw new TypeError(
      `${SUBJECT}: option "secretKey" has ${secret.byteLength} bytes; ${algorithms.join(", ")} needs ${needed} random ones at least, or whoever has a token can find the secret`,
    );
  }
  return secret;
}

function publicKeyOf(given: string | JWK | readonly JWK[]): KeySource {
  if (typeof given === "string") {
    if (/^-----BEGIN (?:PUBLIC KEY|CERTIFICATE)-----/.test(given.trim())) {
      return { kind: "pem", pem: given.trim() };
    }
    throw new TypeError(
      `${SUBJECT}: option "publicKey" must be PEM that begins with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----"`,
    );
  }
  const keys: readonly JWK[] = Array.isArray(given) ? given : [given as JWK];
  const isPublic = (key: JWK): boolean =>
    typeof key === "object" && key !== null && typeof key.kty === "string" && key.kty !== "oct";
  if (keys.length === 0 || !keys.every(isPublic) || keys.some((key) => key.d !== undefined)) {
    throw new TypeError(`${SUBJECT}: option "publicKey" must hold public JWKs, without "d"`);
  }
  return { kind: "jwks", keys };
}
