import {
  type Clock,
  checkMembers,
  checkMethods,
  compileUrlPolicy,
  filledNumbers,
  type SafeUrlPolicy,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import { checkedAudience } from "./internal/audience.ts";
import { CLAIM_NAMES, type ClaimNames } from "./internal/claims.ts";
import type { TokenCacheOptions } from "./internal/token-cache.ts";
import { headerText } from "./internal/www-authenticate.ts";
import type { JwksTimes } from "./jwks.ts";
import { HMAC_BYTES, type JWTKeyOptions, type KeySource, readKeySource } from "./jwt-keys.ts";

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
export interface JWTAuthOptions extends JWTKeyOptions {
  /** The `iss` of every token, compared as it is. Required. */
  readonly issuer: string;
  /**
   * What `aud` must name: this server, by its canonical URI. Required, so that a token for another server
   * is of no use here. Several while one is being replaced.
   */
  readonly audience: string | readonly string[];
  /** What may sign. Required: a token never chooses by itself. */
  readonly algorithms: readonly JWTAlgorithm[];
  /** The `typ` of every token, such as `at+jwt` (RFC 9068). Default: any. */
  readonly type?: string;
  /**
   * Hours until a token ends that `issue` signs, with the option `secretKey`; over 0. Default 1. It says
   * nothing about tokens that come, which carry their own end.
   */
  readonly expirationHours?: number;
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

/** {@link JWTAuthOptions}, complete. */
export interface ResolvedJWTOptions {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  readonly source: KeySource;
  readonly type: string | undefined;
  readonly expirationHours: number;
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
  "expirationHours",
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
  const source = readKeySource(options, issuer, algorithms);
  return {
    issuer,
    audience: checkedAudience(SUBJECT, options.audience),
    algorithms,
    source,
    type,
    expirationHours: expirationHoursOf(options, source),
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

function expirationHoursOf({ expirationHours }: JWTAuthOptions, { kind }: KeySource): number {
  if (expirationHours === undefined) return 1;
  if (kind !== "secret") {
    throw new TypeError(
      `${SUBJECT}: option "expirationHours" does nothing without the option "secretKey", with which issue() signs`,
    );
  }
  return checkedHours(expirationHours);
}

/** @throws {TypeError} unless it is a number over 0. */
export function checkedHours(hours: unknown): number {
  if (typeof hours === "number" && hours > 0 && Number.isFinite(hours)) return hours;
  throw new TypeError(`${SUBJECT}: option "expirationHours" must be a number over 0`);
}
