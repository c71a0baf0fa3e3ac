import type {
  AuthenticationFailure,
  AuthenticationOutcome,
  AuthenticationRequest,
  Authenticator,
  Principal,
} from "@backplane/protocol";
import { wholeNumber } from "@backplane/protocol";
import { AuthenticationError } from "./authentication-error.ts";
import { bearerChallenge, describeRefusal } from "./internal/gate.ts";
import { loadJose } from "./internal/jose.ts";
import { TokenCache, type VerifiedToken } from "./internal/token-cache.ts";
import { gateBearer } from "./internal/token-gate.ts";
import { createJWTCheck } from "./jwt-check.ts";
import {
  checkedHours,
  type JWTAuthOptions,
  type ResolvedJWTOptions,
  resolveJWTOptions,
} from "./jwt-options.ts";

/** What a token for development says of its life. */
export interface IssueOptions {
  /** Hours until it ends. Default the option of the same name. */
  readonly expirationHours?: number;
}

/**
 * Bearer tokens that are JSON Web Tokens (RFC 7519, RFC 9068). Signature, issuer, audience and times are
 * checked with `jose`; a checked token is remembered by its digest, never beyond its end, so that the next
 * request with it costs a look-up.
 */
export class JWTAuth implements Authenticator {
  readonly #options: ResolvedJWTOptions;
  readonly #cache: TokenCache;
  readonly #check: (token: string) => Promise<VerifiedToken>;

  /** @throws {TypeError} that names the option: issuer, audience, algorithms and one source of keys are required. */
  constructor(options: JWTAuthOptions) {
    this.#options = resolveJWTOptions(options);
    this.#cache = new TokenCache(this.#options.cache, this.#options.clock, signedPart);
    this.#check = createJWTCheck(this.#options);
  }

  /** The issuer of every token that is taken. */
  get issuer(): string {
    return this.#options.issuer;
  }

  /** What `aud` must name, one of them. */
  get audience(): readonly string[] {
    return this.#options.audience;
  }

  /** @throws {AuthenticationError} at once or by rejecting, that says which check refused. */
  verifyToken(token: string): VerifiedToken | Promise<VerifiedToken> {
    return this.#cache.get(token, this.#check);
  }

  describe(error: AuthenticationError): AuthenticationFailure {
    const { realm } = this.#options;
    return describeRefusal(error, [bearerChallenge(error, { realm })]);
  }

  authenticate(
    request: AuthenticationRequest,
  ): AuthenticationOutcome | Promise<AuthenticationOutcome> {
    return gateBearer(this, request);
  }

  stepUp(scopes: readonly string[]): AuthenticationFailure {
    return this.describe(new AuthenticationError("insufficient_scope", "scope", { scopes }));
  }

  /**
   * Refuses this token from now on, in this process.
   * @throws {Error} when 100,000 revoked ones that may still live are remembered already.
   */
  revokeToken(token: string): void {
    this.#cache.revoke(token, expiryOf(token) + this.#options.clockToleranceMs);
  }

  /** Has the tokens of these principals checked again with their next request. @returns how many. */
  forget(matches: (principal: Principal) => boolean): number {
    return this.#cache.forget(matches);
  }

  /**
   * Signs a token that this object takes: for development and tests, where there is no authorization server.
   * @param claims what it says beside `iss`, `aud`, `iat`, `exp` and `jti`, at least `sub`.
   * Signed with the first of several secrets.
   * @throws {TypeError} without the option `secretKey`: who only checks has nothing to sign with.
   */
  async issue(
    claims: Readonly<Record<string, unknown>> & { readonly sub: string },
    { expirationHours }: IssueOptions = {},
  ): Promise<string> {
    const { source, algorithms, audience, issuer, clock, type } = this.#options;
    if (source.kind !== "secret") {
      throw new TypeError('JWTAuth: issue() needs the option "secretKey"');
    }
    const hours = checkedHours(expirationHours ?? this.#options.expirationHours);
    const lifeSeconds = wholeNumber("JWTAuth", "expirationHours", Math.ceil(hours * 3_600));
    const { SignJWT } = await loadJose();
    const nowSeconds = Math.floor(clock.now() / 1_000);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithms[0] as string, typ: type ?? "JWT" })
      .setIssuer(issuer)
      .setAudience([...audience])
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + lifeSeconds)
      .setJti(globalThis.crypto.randomUUID())
      .sign(source.secrets[0] as Uint8Array);
  }
}

/** Read without a check: a wrong one is the end of its own revocation, and of no other. */
function expiryOf(token: string): number {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const { exp } = claims as { exp?: unknown };
    return typeof exp === "number" ? exp * 1_000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * A token without its signature, which can be spelt in several ways and still be good: with other unused
 * bits at its end, and with ECDSA as (r, −s). Revoked is what was signed, however it is spelt.
 */
function signedPart(token: string): string {
  return token.slice(0, Math.max(0, token.lastIndexOf(".")));
}
