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
import { assertHttpsOrLoopback } from "./client/common-options.ts";
import { checkedAudience } from "./internal/audience.ts";
import type { BreakerTimes } from "./internal/call-breaker.ts";
import { CLAIM_NAMES, type ClaimNames } from "./internal/claims.ts";
import type { NegativeCacheOptions } from "./internal/negative-cache.ts";
import type { TokenCacheOptions } from "./internal/token-cache.ts";
import { headerText } from "./internal/www-authenticate.ts";

/** What `new IntrospectionAuth` takes. */
export interface IntrospectionAuthOptions {
  /** Where the authorization server is asked (RFC 7662, 2): https, or this machine. */
  readonly introspectionUrl: string;
  /** As whom this server asks. */
  readonly clientId: string;
  readonly clientSecret: string | Secret;
  /** How it says so. Default `basic`. */
  readonly clientAuthentication?: "basic" | "post";
  /** Stands in every principal, and must equal the `iss` of an answer that has one. Required. */
  readonly issuer: string;
  /** What `aud` must name: this server, by its canonical URI. Required. */
  readonly audience: string | readonly string[];
  /** Where an answer says what. Default id: `sub`. */
  readonly claims?: ClaimNames;
  /** Good answers: 10,000 for 60,000 ms, never beyond the end of the token. A revoked token lives as long. */
  readonly cache?: Partial<TokenCacheOptions>;
  /** Bad answers, for whatever reason: 10,000 for 10,000 ms. */
  readonly negativeCache?: Partial<NegativeCacheOptions>;
  /** 5 failures in a row leave the server alone for 10,000 ms. */
  readonly breaker?: Partial<BreakerTimes>;
  /** For each request, in milliseconds. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** Which addresses the URL may lead to. Default: the public internet, or this machine when it names it. */
  readonly urlPolicy?: SafeUrlPolicy;
  /** Sends the requests; must not follow redirects. Default: checks the address it connects to. */
  readonly fetch?: typeof globalThis.fetch;
  /** Stands in the challenge. Default `mcp`. */
  readonly realm?: string;
  readonly clock?: Clock;
}

/** {@link IntrospectionAuthOptions}, complete. */
export interface ResolvedIntrospectionOptions {
  readonly introspectionUrl: string;
  readonly clientAuthentication: {
    readonly headers: () => Readonly<Record<string, string>>;
    readonly form: () => Readonly<Record<string, string>>;
  };
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly claims: ClaimNames;
  readonly cache: TokenCacheOptions;
  readonly negativeCache: NegativeCacheOptions;
  readonly breaker: BreakerTimes;
  readonly requestTimeoutMs: number;
  readonly urlPolicy: SafeUrlPolicy;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly realm: string;
  readonly clock: Clock;
}

const SUBJECT = "IntrospectionAuth";
const KNOWN: readonly string[] = [
  "introspectionUrl",
  "clientId",
  "clientSecret",
  "clientAuthentication",
  "issuer",
  "audience",
  "claims",
  "cache",
  "negativeCache",
  "breaker",
  "requestTimeoutMs",
  "urlPolicy",
  "fetch",
  "realm",
  "clock",
] satisfies (keyof IntrospectionAuthOptions)[];

/** @throws {TypeError} that names the option, and never the secret. */
export function resolveIntrospectionOptions(
  options: IntrospectionAuthOptions,
): ResolvedIntrospectionOptions {
  checkMembers(SUBJECT, options, KNOWN);
  checkMethods(SUBJECT, "clock", options.clock, ["now", "after"]);
  compileUrlPolicy(options.urlPolicy);
  checkMembers(`${SUBJECT}: option "claims"`, options.claims ?? {}, CLAIM_NAMES);
  const { introspectionUrl, issuer } = options;
  if (typeof issuer !== "string" || issuer === "") {
    throw new TypeError(`${SUBJECT}: option "issuer" is required: who issues the tokens`);
  }
  return {
    introspectionUrl: assertHttpsOrLoopback(SUBJECT, "introspectionUrl", introspectionUrl).href,
    clientAuthentication: authenticationOf(options),
    issuer,
    audience: checkedAudience(SUBJECT, options.audience),
    claims: options.claims ?? {},
    cache: filledNumbers(SUBJECT, "cache", { maxEntries: 10_000, ttlMs: 60_000 }, options.cache),
    negativeCache: filledNumbers(
      SUBJECT,
      "negativeCache",
      { maxEntries: 10_000, ttlMs: 10_000 },
      options.negativeCache,
    ),
    breaker: filledNumbers(
      SUBJECT,
      "breaker",
      { failures: 5, coolDownMs: 10_000 },
      options.breaker,
    ),
    requestTimeoutMs: wholeNumber(SUBJECT, "requestTimeoutMs", options.requestTimeoutMs ?? 5_000),
    urlPolicy: options.urlPolicy ?? {},
    fetch: options.fetch,
    realm: headerText(SUBJECT, "realm", options.realm ?? "mcp"),
    clock: options.clock ?? systemClock,
  };
}

function authenticationOf(
  options: IntrospectionAuthOptions,
): ResolvedIntrospectionOptions["clientAuthentication"] {
  const { clientId, clientSecret, clientAuthentication = "basic" } = options;
  if (typeof clientId !== "string" || clientId === "") {
    throw new TypeError(`${SUBJECT}: option "clientId" must be a text that is not empty`);
  }
  if (
    !(clientSecret instanceof Secret) &&
    (typeof clientSecret !== "string" || clientSecret === "")
  ) {
    throw new TypeError(`${SUBJECT}: option "clientSecret" must be a text that is not empty`);
  }
  const secret = clientSecret instanceof Secret ? clientSecret : new Secret(clientSecret);
  if (clientAuthentication === "post") {
    return {
      headers: () => ({}),
      form: () => ({ client_id: clientId, client_secret: secret.reveal() }),
    };
  }
  if (clientAuthentication !== "basic") {
    throw new TypeError(`${SUBJECT}: option "clientAuthentication" must be "basic" or "post"`);
  }
  return {
    headers: () => ({
      authorization: `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(secret.reveal())}`)}`,
    }),
    form: () => ({}),
  };
}

/** RFC 6749, 2.3.1: each half is form-encoded before they are joined. */
function formEncoded(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}
