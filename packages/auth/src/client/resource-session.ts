import type { ClientAuthChallenge, ClientAuthRequest } from "@backplane/protocol";
import { Attempts } from "./attempts.ts";
import { type ResourceChallenge, readResourceChallenge } from "./challenge.ts";
import type { ResolvedTokenSourceOptions } from "./common-options.ts";
import { type Discovery, discover } from "./discovery.ts";
import { type DpopSession, nonceOfProof } from "./dpop.ts";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow, Grant } from "./flow.ts";
import { createGuardedFetch } from "./guarded-fetch.ts";
import { shownOAuthError } from "./probe.ts";
import { coversScopes, unionOfScopes, withOfflineAccess } from "./scopes.ts";
import { loadSdk, type Sdk } from "./sdk.ts";
import { StoredTokens } from "./stored-tokens.ts";
import { expiresSoon, hasExpired } from "./token-life.ts";
import type { TokenRecord } from "./token-store.ts";
import { transportFor } from "./transports.ts";
import { createUrlGuard } from "./url-guard.ts";

export interface SessionOptions extends ResolvedTokenSourceOptions {
  readonly grant: Grant;
  /** Whether to ask for a refresh token where `offline_access` is offered. */
  readonly offlineAccess: boolean;
  /** The key that tokens are bound to; one for all servers of a token source. */
  readonly dpopSession: ((sdk: Sdk) => Promise<DpopSession>) | undefined;
}

/** A token that is refused so soon was never good. */
const FRESH_MS = 60_000;

/** New authorizations in a minute that the refusals of a server may cause. */
const MAX_AUTHORIZATIONS = 3;
/** Without a user: each tool that is called may want a scope of its own. */
const MAX_STEP_UPS = 10;

/** Why another token is needed. */
interface Need {
  readonly because: "expiry" | "refusal" | "scope";
  /** The access token that was refused, or has expired. */
  readonly old: string | undefined;
  /** What the server asks for: authoritative, whatever its metadata lists. */
  readonly challenge?: ResourceChallenge | undefined;
}

/** What one MCP server and this client are to each other: who issues the tokens, and the current one. */
export class ResourceSession {
  /** Without query: it is no part of the resource, and may hold anything. */
  readonly #url: URL;
  readonly #options: SessionOptions;
  readonly #attempts: Attempts;
  #discovery: Discovery | undefined;
  #dpop: DpopSession | undefined;
  #token: TokenRecord | undefined;
  /** Everything asked for so far: asking for more gives up nothing that was granted. */
  #askedScope: string | undefined;
  /** From the last refresh: if it is refused at once, another refresh is of no use. */
  #refreshed: TokenRecord | undefined;
  /** The last token that was to be renewed ahead of its end. */
  #triedAhead: string | undefined;
  #renewal: Promise<void> | undefined;

  /** @param url the first URL that was refused. */
  constructor(url: URL, options: SessionOptions) {
    this.#url = new URL(url.pathname, url);
    this.#options = options;
    this.#attempts = new Attempts(options.clock);
  }

  /** How specific this session is for `url`; undefined when its tokens must not go there. */
  reach(url: URL): number | undefined {
    const { origin, pathname } = this.#discovery?.covers ?? this.#url;
    if (url.origin !== origin) return undefined;
    if (this.#discovery === undefined) {
      return url.pathname === pathname ? pathname.length : undefined;
    }
    const folder = pathname.endsWith("/") ? pathname : `${pathname}/`;
    return `${url.pathname}/`.startsWith(folder) ? folder.length : undefined;
  }

  async headers(request: ClientAuthRequest): Promise<Readonly<Record<string, string>>> {
    // Without a token a request would only be refused; wider scopes are no reason to hold up others.
    if (this.#token === undefined) await this.#renewal?.catch(() => {});
    await this.#renewAhead();
    const token = this.#token;
    if (token === undefined || hasExpired(token, this.#options.clock.now())) return {};
    if (this.#dpop === undefined) return { authorization: `Bearer ${token.accessToken}` };
    const { method: htm, url: htu } = request;
    return {
      authorization: `DPoP ${token.accessToken}`,
      dpop: await this.#dpop.buildProof({ htm, htu, accessToken: token.accessToken }),
    };
  }

  async onChallenge(response: ClientAuthChallenge): Promise<"retry" | "fail"> {
    const challenge = readResourceChallenge(response.headers["www-authenticate"]);
    const nonce = this.#takeNonce(response);
    if (challenge?.error === "use_dpop_nonce") return nonce;
    const isScope = response.status === 403 && challenge?.error === "insufficient_scope";
    if (response.status !== 401 && !isScope) return "fail";

    await this.#renewal;
    const old = response.sent["authorization"]?.split(" ")[1];
    const isCurrent = this.#token?.accessToken === old;
    if (!isScope) {
      if (!isCurrent && this.#token !== undefined) return "retry";
      this.#drop();
      if (old !== undefined) this.#logRefusal(challenge);
      await this.#renew({ because: "refusal", old, challenge });
      return "retry";
    }
    const asked = unionOfScopes(this.#token?.scope, this.#askedScope);
    if (coversScopes(asked, challenge.scope)) return isCurrent ? "fail" : "retry";
    await this.#renew({ because: "scope", old, challenge });
    return "retry";
  }

  /** Any answer may carry a new nonce (RFC 9449, 8.2). `retry` when the refused proof had another one. */
  #takeNonce({ headers, url, sent }: ClientAuthChallenge): "retry" | "fail" {
    const nonce = headers["dpop-nonce"];
    if (this.#dpop === undefined || nonce === undefined) return "fail";
    this.#dpop.rememberNonce(url, nonce);
    return nonceOfProof(sent["dpop"]) === nonce ? "fail" : "retry";
  }

  /** Nobody sends this token again. What it allowed is asked for again. */
  #drop(): void {
    this.#askedScope = unionOfScopes(this.#askedScope, this.#token?.scope);
    this.#token = undefined;
  }

  #logRefusal(challenge: ResourceChallenge | undefined): void {
    const error = shownOAuthError(challenge?.error);
    this.#options.logger.warn(
      { stage: "resource", resource: shownUrl(this.#url), error },
      "The MCP server refused an access token",
    );
  }

  /** Renews a token that ends soon; as long as it works, a failure is no reason not to use it. */
  async #renewAhead(): Promise<void> {
    const { clock, refreshSkewMs } = this.#options;
    const token = this.#token;
    if (token === undefined || !expiresSoon(token, clock.now(), refreshSkewMs)) return;
    const mustRenew = hasExpired(token, clock.now());
    // Once per token: an authorization server that is away must not slow down every request.
    if (!mustRenew && this.#triedAhead === token.accessToken) return;
    this.#triedAhead = token.accessToken;
    try {
      await this.#renew({ because: "expiry", old: token.accessToken });
    } catch (error) {
      if (mustRenew) throw error;
    }
  }

  /** One renewal at a time: whoever comes meanwhile waits for it and gets what it got. */
  #renew(need: Need): Promise<void> {
    this.#renewal ??= this.#renewNow(need)
      .catch((error: unknown) => {
        this.#logFailure(error);
        throw error;
      })
      .finally(() => {
        this.#renewal = undefined;
      });
    return this.#renewal;
  }

  #logFailure(error: unknown): void {
    const { code, stage, oauthError, status } = OAuthClientError.isInstance(error)
      ? error
      : {
          code: "store_or_lock_failed",
          stage: undefined,
          oauthError: undefined,
          status: undefined,
        };
    this.#options.logger.warn(
      { stage, code, error: oauthError, status, resource: shownUrl(this.#url) },
      "No new access token could be had",
    );
  }

  async #renewNow(need: Need): Promise<void> {
    const { grant, account, lock, requestTimeoutMs, refreshSkewMs } = this.#options;
    const sdk = await loadSdk();
    this.#dpop ??= await this.#options.dpopSession?.(sdk);
    const discovery = await this.#discover(sdk, need);
    const scope = this.#scopeToAsk(need, discovery);
    const flow = this.#flowOf(sdk, discovery, scope);
    const keeperFor = (client: NonNullable<Awaited<ReturnType<Grant["client"]>>>): StoredTokens =>
      new StoredTokens({
        flow,
        grant,
        client,
        account,
        lock,
        // The refresh may be sent twice, for a DPoP nonce.
        lockTtlMs: 2 * requestTimeoutMs + 5_000,
        refreshSkewMs,
      });

    const known = await grant.client(flow);
    const renewed =
      known &&
      (await keeperFor(known).renew({
        scope: need.challenge?.scope,
        refused: need.old,
        mayRefresh: this.#mayRefresh(need),
      }));
    if (renewed !== undefined) {
      this.#token = renewed.record;
      if (renewed.isRefreshed) this.#refreshed = renewed.record;
      return;
    }
    if (need.because === "expiry" && grant.interactive) {
      // No user is asked before a request was refused: the refusal says what to ask for.
      if (this.#token !== undefined && hasExpired(this.#token, this.#options.clock.now())) {
        this.#drop();
      }
      return;
    }
    if (need.because !== "expiry") {
      const isStepUp = need.because === "scope" && !grant.interactive;
      this.#attempts.begin(this.#url, isStepUp ? MAX_STEP_UPS : MAX_AUTHORIZATIONS);
    }
    const { client, tokens } = await grant.obtain(flow);
    this.#token = tokens;
    this.#askedScope = unionOfScopes(this.#askedScope, scope);
    await keeperFor(client).keep(tokens);
  }

  #mayRefresh({ because, old }: Need): boolean {
    if (because !== "refusal") return because === "expiry";
    const fresh = this.#refreshed;
    const isFresh =
      fresh !== undefined && this.#options.clock.now() - fresh.obtainedAtMs < FRESH_MS;
    return !(isFresh && fresh.accessToken === old);
  }

  async #discover(sdk: Sdk, need: Need): Promise<Discovery> {
    // A refusal can mean that the server has moved to another authorization server.
    if (need.because === "expiry" && this.#discovery !== undefined) return this.#discovery;
    const { grant } = this.#options;
    const before = this.#discovery?.server.issuer;
    const discovery = await discover({
      sdk,
      serverUrl: this.#url,
      metadataUrl: need.challenge?.resourceMetadata,
      fetch: this.#fetch("discovery"),
      known: grant.issuer ?? before,
      onlyKnown: grant.issuer !== undefined,
    });
    if (before !== undefined && before !== discovery.server.issuer) {
      this.#token = undefined;
      this.#askedScope = undefined;
    }
    this.#discovery = discovery;
    return discovery;
  }

  #scopeToAsk({ challenge }: Need, { scopesSupported, server }: Discovery): string | undefined {
    const { scope, offlineAccess, grant } = this.#options;
    const wanted =
      unionOfScopes(this.#token?.scope, this.#askedScope, challenge?.scope, scope) ??
      unionOfScopes(...(scopesSupported ?? []));
    return grant.interactive && offlineAccess
      ? withOfflineAccess(wanted, server.metadata.scopes_supported)
      : wanted;
  }

  #flowOf(sdk: Sdk, { server, resource }: Discovery, scope: string | undefined): Flow {
    const { store, clock, logger } = this.#options;
    return {
      sdk,
      server,
      resource,
      scope,
      dpop: this.#dpop,
      store,
      clock,
      logger,
      guard: createUrlGuard([this.#url], this.#options.urlPolicy),
      fetch: (stage) => this.#fetch(stage),
    };
  }

  #fetch(stage: OAuthClientError["stage"]): ReturnType<typeof createGuardedFetch> {
    const { urlPolicy, fetch, requestTimeoutMs: timeoutMs } = this.#options;
    const guard = createUrlGuard([this.#url], urlPolicy);
    return createGuardedFetch({ guard, transport: transportFor(guard, fetch), stage, timeoutMs });
  }
}
