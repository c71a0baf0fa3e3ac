import {
  type Clock,
  checkMembers,
  checkMethods,
  createProcessKeyRing,
  type KeyRing,
  type SafeUrlPolicy,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import { assertHttpsOrLoopback } from "./client/common-options.ts";
import { DEFAULT_NONCE_LIFE_MS, DpopNonces } from "./dpop-nonce.ts";
import { DpopCheck } from "./dpop-proof.ts";
import { checkedList, checkedScopes } from "./internal/permissions.ts";
import {
  type GrantedScopes,
  grantedScopes,
  type ScopeHierarchy,
} from "./internal/scope-hierarchy.ts";
import type { TokenVerifier } from "./internal/token-selection.ts";
import { headerText } from "./internal/www-authenticate.ts";
import { JWTAuth } from "./jwt.ts";
import type { JWTAlgorithm } from "./jwt-options.ts";

/** An authorization server whose tokens are JSON Web Tokens, by its name. */
export interface AuthorizationServer {
  /** As `iss` and its metadata name it: https, or this machine. */
  readonly issuer: string;
  /** What it signs with. Required: a token never chooses by itself. */
  readonly algorithms: readonly JWTAlgorithm[];
  /** Where its keys are. Default: where its metadata says (RFC 8414). */
  readonly jwksUrl?: string;
}

/** What is asked of DPoP-bound tokens (RFC 9449). */
export interface DpopServerOptions {
  /** Refuses tokens that are bound to no key. Default false: both kinds are taken. */
  readonly required?: boolean;
  /** Signature algorithms of proofs. Default ES256, ES384, ES512, EdDSA, Ed25519, PS256, RS256. */
  readonly algorithms?: readonly string[];
  /** How old a proof may be, and how far ahead, in milliseconds. Default 300,000. */
  readonly maxAgeMs?: number;
  /**
   * Proofs that are remembered in this process, so that none is used twice; each for twice `maxAgeMs`, and the
   * oldest goes first where there are more. Default 100,000.
   */
  readonly maxRemembered?: number;
  /** Asks for a nonce of this server in each proof. Replicas share the `keyRing`. Default false. */
  readonly nonce?: boolean | { readonly keyRing?: KeyRing; readonly lifeMs?: number };
}

/** What `new OAuthResourceServer` takes. */
export interface OAuthResourceServerOptions {
  /** The URL of the MCP endpoint as clients see it: what tokens must be issued for (RFC 8707). */
  readonly publicUrl: string;
  /** Whose tokens are taken. The clients' first choice comes first. */
  readonly authorizationServers: readonly (AuthorizationServer | TokenVerifier)[];
  /** Scopes that every token must have. Default none. */
  readonly requiredScopes?: readonly string[];
  /** What a scope grants beside itself, as the policy has it. Default nothing. */
  readonly scopeHierarchy?: ScopeHierarchy;
  /** Scopes that the metadata names. Default: those that registered primitives demand, and `requiredScopes`. */
  readonly scopesSupported?: readonly string[];
  /** Shown to users. */
  readonly resourceName?: string;
  /** A page for developers. */
  readonly resourceDocumentation?: string;
  /** Takes DPoP-bound tokens. Default false. */
  readonly dpop?: boolean | DpopServerOptions;
  /** For the authorization servers that are given by name. */
  readonly urlPolicy?: SafeUrlPolicy;
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: Clock;
}

/** {@link DpopServerOptions}, ready for use. */
export interface ResolvedDpop {
  readonly required: boolean;
  readonly algorithms: readonly string[];
  readonly check: DpopCheck;
  readonly nonces: DpopNonces | undefined;
  /** Whether the keys of the nonces are those of this process alone. */
  readonly processKeys: boolean;
}

/** {@link OAuthResourceServerOptions}, complete. */
export interface ResolvedResourceServer {
  readonly resource: string;
  readonly publicUrl: URL;
  readonly verifiers: readonly TokenVerifier[];
  readonly requiredScopes: readonly string[];
  readonly grantedScopes: GrantedScopes;
  readonly scopesSupported: readonly string[] | undefined;
  readonly resourceName: string | undefined;
  readonly resourceDocumentation: string | undefined;
  readonly dpop: ResolvedDpop | undefined;
}

const SUBJECT = "OAuthResourceServer";
const KNOWN: readonly string[] = [
  "publicUrl",
  "authorizationServers",
  "requiredScopes",
  "scopeHierarchy",
  "scopesSupported",
  "resourceName",
  "resourceDocumentation",
  "dpop",
  "urlPolicy",
  "fetch",
  "clock",
] satisfies (keyof OAuthResourceServerOptions)[];
const DPOP_KNOWN: readonly string[] = [
  "required",
  "algorithms",
  "maxAgeMs",
  "maxRemembered",
  "nonce",
] satisfies (keyof DpopServerOptions)[];
const PROOF_ALGORITHMS: readonly string[] = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];
const DEFAULT_PROOF_ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"];

/** @throws {TypeError} that names the option. */
export function resolveResourceServer(options: OAuthResourceServerOptions): ResolvedResourceServer {
  checkMembers(SUBJECT, options, KNOWN);
  checkMethods(SUBJECT, "clock", options.clock, ["now", "after"]);
  const { resourceName, resourceDocumentation, clock = systemClock } = options;
  const publicUrl = assertHttpsOrLoopback(SUBJECT, "publicUrl", options.publicUrl);
  if (publicUrl.search !== "") {
    throw new TypeError(`${SUBJECT}: option "publicUrl" must have no query`);
  }
  const resource = canonical(publicUrl);
  if (resourceDocumentation !== undefined && !URL.canParse(resourceDocumentation)) {
    throw new TypeError(`${SUBJECT}: option "resourceDocumentation" must be a URL`);
  }
  return {
    resource,
    publicUrl,
    verifiers: verifiersOf(options, resource, clock),
    requiredScopes: checkedScopes(SUBJECT, "requiredScopes", options.requiredScopes),
    grantedScopes: grantedScopes(SUBJECT, options.scopeHierarchy),
    scopesSupported:
      options.scopesSupported && checkedScopes(SUBJECT, "scopesSupported", options.scopesSupported),
    resourceName: resourceName && headerText(SUBJECT, "resourceName", resourceName),
    resourceDocumentation,
    dpop: dpopOf(options.dpop ?? false, publicUrl, clock),
  };
}

/** The form in which clients name the server (spec: basic/authorization): no slash behind a bare host. */
function canonical(url: URL): string {
  return url.pathname === "/" ? url.origin : url.href;
}

function verifiersOf(
  options: OAuthResourceServerOptions,
  resource: string,
  clock: Clock,
): readonly TokenVerifier[] {
  const { authorizationServers: given } = options;
  if (!Array.isArray(given) || given.length === 0) {
    throw new TypeError(`${SUBJECT}: option "authorizationServers" must name at least one`);
  }
  const verifiers = given.map((server: AuthorizationServer | TokenVerifier): TokenVerifier => {
    if (!("verifyToken" in server)) return jwtOf(server, options, resource, clock);
    // Checked here, because a wrong one would take the tokens of another server.
    if (!audiences(resource).some((one) => server.audience.includes(one))) {
      throw new TypeError(
        `${SUBJECT}: option "authorizationServers": the verifier for ${server.issuer} expects tokens for ${server.audience.join(", ")}, not for "${resource}"`,
      );
    }
    return server;
  });
  for (const { issuer } of verifiers)
    assertHttpsOrLoopback(SUBJECT, "authorizationServers", issuer);
  return verifiers;
}

function jwtOf(
  server: AuthorizationServer,
  { urlPolicy, fetch }: OAuthResourceServerOptions,
  resource: string,
  clock: Clock,
): TokenVerifier {
  checkMembers(`${SUBJECT}: option "authorizationServers"`, server, [
    "issuer",
    "algorithms",
    "jwksUrl",
  ]);
  const { issuer, algorithms, jwksUrl } = server;
  return new JWTAuth({
    issuer,
    algorithms,
    audience: audiences(resource),
    ...(jwksUrl === undefined ? { discover: true } : { jwksUrl }),
    ...(urlPolicy !== undefined && { urlPolicy }),
    ...(fetch !== undefined && { fetch }),
    clock,
  });
}

/** A bare host is the same with the slash that `URL` adds. */
function audiences(resource: string): readonly string[] {
  return new URL(resource).pathname === "/" ? [resource, `${resource}/`] : [resource];
}

function dpopOf(
  given: boolean | DpopServerOptions,
  publicUrl: URL,
  clock: Clock,
): ResolvedDpop | undefined {
  if (given === false) return undefined;
  const options = given === true ? {} : given;
  checkMembers(`${SUBJECT}: option "dpop"`, options, DPOP_KNOWN);
  const { required = false, nonce = false } = options;
  const algorithms = checkedList(
    SUBJECT,
    "dpop.algorithms",
    options.algorithms ?? DEFAULT_PROOF_ALGORITHMS,
    (name) => PROOF_ALGORITHMS.includes(name),
    `one of ${PROOF_ALGORITHMS.join(", ")}`,
  );
  const nonceOptions = typeof nonce === "object" ? nonce : {};
  checkMembers(`${SUBJECT}: option "dpop.nonce"`, nonceOptions, ["keyRing", "lifeMs"]);
  checkMethods(SUBJECT, "dpop.nonce.keyRing", nonceOptions.keyRing, ["current", "find"]);
  const lifeMs = nonceOptions.lifeMs ?? DEFAULT_NONCE_LIFE_MS;
  const ring = nonceOptions.keyRing ?? createProcessKeyRing();
  const nonces =
    nonce === false
      ? undefined
      : new DpopNonces(ring, wholeNumber(SUBJECT, "dpop.nonce.lifeMs", lifeMs), clock);
  const check = new DpopCheck({
    algorithms,
    publicUrl,
    maxAgeMs: wholeNumber(SUBJECT, "dpop.maxAgeMs", options.maxAgeMs ?? 300_000),
    maxRemembered: wholeNumber(SUBJECT, "dpop.maxRemembered", options.maxRemembered ?? 100_000),
    nonces,
    clock,
  });
  const processKeys = nonces !== undefined && nonceOptions.keyRing === undefined;
  return { required, algorithms, check, nonces, processKeys };
}
