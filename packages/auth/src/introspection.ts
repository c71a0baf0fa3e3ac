import {
  type AuthenticationFailure,
  type AuthenticationOutcome,
  type AuthenticationRequest,
  type Authenticator,
  isJsonObject,
  type Principal,
} from "@backplane/protocol";
import { AuthenticationError } from "./authentication-error.ts";
import type { FlowFetch } from "./client/guarded-fetch.ts";
import { CallBreaker } from "./internal/call-breaker.ts";
import { readClaims } from "./internal/claims.ts";
import { bearerChallenge, describeRefusal } from "./internal/gate.ts";
import { NegativeCache } from "./internal/negative-cache.ts";
import { createServerFetch } from "./internal/server-fetch.ts";
import { TokenCache, type VerifiedToken } from "./internal/token-cache.ts";
import { gateBearer } from "./internal/token-gate.ts";
import {
  type IntrospectionAuthOptions,
  type ResolvedIntrospectionOptions,
  resolveIntrospectionOptions,
} from "./introspection-options.ts";

/** A token whose end the server does not say is asked for again after the time of the cache. */
const UNKNOWN_END_MS = 3_600_000;

/**
 * Bearer tokens that only the authorization server can read (RFC 7662). Its answer is remembered, a good
 * one never beyond the end of the token, a bad one for a short time; a server that fails is left alone for
 * a while, and callers are told 503, so that they keep their tokens.
 */
export class IntrospectionAuth implements Authenticator {
  readonly #options: ResolvedIntrospectionOptions;
  readonly #cache: TokenCache;
  readonly #refused: NegativeCache;
  readonly #breaker: CallBreaker;
  readonly #fetch: FlowFetch;
  readonly #check: (token: string) => Promise<VerifiedToken>;

  /** @throws {TypeError} that names the option. */
  constructor(options: IntrospectionAuthOptions) {
    this.#options = resolveIntrospectionOptions(options);
    const { cache, negativeCache, breaker, clock, introspectionUrl } = this.#options;
    const { urlPolicy, fetch, requestTimeoutMs } = this.#options;
    this.#cache = new TokenCache(cache, clock);
    this.#refused = new NegativeCache(negativeCache, clock);
    this.#breaker = new CallBreaker(breaker, clock);
    this.#fetch = createServerFetch({
      named: [introspectionUrl],
      urlPolicy,
      fetch,
      timeoutMs: requestTimeoutMs,
    });
    this.#check = (token) => this.#introspect(token);
  }

  /** The issuer that stands in every principal. */
  get issuer(): string {
    return this.#options.issuer;
  }

  /** What the server must name as audience, one of them. */
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
    this.#cache.revoke(token);
  }

  /** Has the tokens of these principals asked for again with their next request. @returns how many. */
  forget(matches: (principal: Principal) => boolean): number {
    return this.#cache.forget(matches);
  }

  async #introspect(token: string): Promise<VerifiedToken> {
    const refusedBy = this.#refused.get(token);
    if (refusedBy !== undefined) throw new AuthenticationError("invalid_token", refusedBy);
    const answer = await this.#ask(token);
    try {
      return this.#verified(answer);
    } catch (error) {
      if (AuthenticationError.isInstance(error)) this.#refused.add(token, error.stage);
      throw error;
    }
  }

  /** Active is not enough: it may be meant for another server. */
  #verified(answer: Readonly<Record<string, unknown>>): VerifiedToken {
    const { issuer, audience, claims, clock } = this.#options;
    if (answer["active"] !== true) throw new AuthenticationError("invalid_token", "introspection");
    if (answer["iss"] !== undefined && answer["iss"] !== issuer) {
      throw new AuthenticationError("invalid_token", "issuer");
    }
    const named = [answer["aud"] ?? []].flat();
    if (!audience.some((one) => named.includes(one))) {
      throw new AuthenticationError("invalid_token", "audience");
    }
    const nowMs = clock.now();
    const said = answer["exp"] ?? undefined;
    const exp = said ?? Math.ceil((nowMs + UNKNOWN_END_MS) / 1_000);
    if (!(Number(exp) * 1_000 > nowMs)) throw new AuthenticationError("invalid_token", "expiry");
    // So that one that is no number is refused as well.
    if (!(Number(answer["nbf"] ?? 0) * 1_000 <= nowMs + NBF_TOLERANCE_MS)) {
      throw new AuthenticationError("invalid_token", "not_before");
    }
    const verified = readClaims({ ...answer, exp }, claims, issuer);
    return said === undefined ? { ...verified, expiresAtMs: Number.POSITIVE_INFINITY } : verified;
  }

  async #ask(token: string): Promise<Readonly<Record<string, unknown>>> {
    if (!this.#breaker.enter()) {
      const cause = new Error("the introspection endpoint failed several times and is left alone");
      throw new AuthenticationError("unavailable", "introspection", { cause });
    }
    try {
      const { introspectionUrl, clientAuthentication } = this.#options;
      const response = await this.#fetch(introspectionUrl, {
        method: "POST",
        headers: {
          accept: "application/json",
          "content-type": "application/x-www-form-urlencoded",
          ...clientAuthentication.headers(),
        },
        body: new URLSearchParams({
          token,
          token_type_hint: "access_token",
          ...clientAuthentication.form(),
        }).toString(),
      });
      if (response.status !== 200) {
        throw new Error(`the introspection endpoint answers with ${response.status}`);
      }
      const answer: unknown = await response.json().catch(() => undefined);
      if (!isJsonObject(answer))
        throw new Error("the introspection endpoint answers with no JSON object");
      this.#breaker.succeeded();
      return answer;
    } catch (cause) {
      this.#breaker.failed();
      throw new AuthenticationError("unavailable", "introspection", { cause });
    }
  }
}

/** Clocks differ. */
const NBF_TOLERANCE_MS = 5_000;
