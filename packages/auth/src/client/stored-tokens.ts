import type { ClientIdentity } from "./client-authentication.ts";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow, Grant } from "./flow.ts";
import type { RefreshLock } from "./refresh-lock.ts";
import { coversScopes } from "./scopes.ts";
import { expiresSoon } from "./token-life.ts";
import { refreshTokens } from "./token-request.ts";
import {
  credentialKeyText,
  type TokenRecord,
  type TokensKey,
  type Versioned,
} from "./token-store.ts";

export interface StoredTokensOptions {
  readonly flow: Flow;
  readonly grant: Grant;
  readonly client: ClientIdentity;
  readonly account: string;
  readonly lock: RefreshLock;
  readonly lockTtlMs: number;
  readonly refreshSkewMs: number;
}

/** A token without a new authorization. */
export interface Renewed {
  readonly record: TokenRecord;
  /** Whether the authorization server was asked; else the store had it. */
  readonly isRefreshed: boolean;
}

/** What a token must be to be of use. */
export interface Wanted {
  /** Scopes that it must hold. */
  readonly scope: string | undefined;
  /** The token that the server refused. */
  readonly refused: string | undefined;
  /** Whether a refresh can help. */
  readonly mayRefresh: boolean;
}

type Found =
  | { readonly usable: TokenRecord }
  /** Of use after a refresh. */
  | { readonly stored: Versioned<TokenRecord> };

/** `error` codes that say that this refresh token will never work again. */
const TOKEN_IS_DEAD: readonly (string | undefined)[] = ["invalid_grant", "invalid_dpop_proof"];
/** `error` codes that say that the authorization server does not know this client (any longer). */
const CLIENT_IS_DEAD: readonly (string | undefined)[] = ["invalid_client", "unauthorized_client"];

/** The tokens that one client holds for one resource, in a store that others may write to as well. */
export class StoredTokens {
  readonly #options: StoredTokensOptions;
  readonly #key: TokensKey;

  constructor(options: StoredTokensOptions) {
    const { flow, client, account } = options;
    this.#options = options;
    this.#key = {
      kind: "tokens",
      issuer: flow.server.issuer,
      clientId: client.clientId,
      resource: flow.resource,
      account,
    };
  }

  /**
   * A usable token without asking anybody for authorization: one that somebody else got meanwhile, or a
   * refreshed one. One process at a time refreshes, and looks first whether another has done it.
   *
   * @returns undefined when there is none and a new authorization is needed.
   * @throws {OAuthClientError} when it cannot be known now, because the authorization server is away.
   */
  async renew(wanted: Wanted): Promise<Renewed | undefined> {
    const { lock, lockTtlMs } = this.#options;
    const release = await lock.acquire(credentialKeyText(this.#key), lockTtlMs);
    try {
      const found = await this.#find(wanted);
      if (found === undefined) return undefined;
      return "usable" in found ? usable(found) : await this.#refresh(found.stored, wanted);
    } finally {
      await release();
    }
  }

  /**
   * Keeps new tokens, whatever was there. They work even when they cannot be kept: the user need not
   * authorize once more because the store is away.
   */
  async keep(record: TokenRecord): Promise<void> {
    const { store, logger } = this.#options.flow;
    try {
      // Whoever writes in between wrote something equally new.
      for (let attempt = 0; attempt < 3; attempt++) {
        const version = (await store.get(this.#key))?.version;
        if (await store.set(this.#key, record, version)) return;
      }
    } catch (error) {
      logger.error(
        { stage: "store", error, issuer: shownUrl(this.#key.issuer) },
        "New tokens cannot be stored: they end with this process",
      );
    }
  }

  async #find(wanted: Wanted): Promise<Found | undefined> {
    const stored = await this.#options.flow.store.get(this.#key);
    if (stored === undefined || !coversScopes(stored.record.scope, wanted.scope)) return undefined;
    if (this.#isUsable(stored.record, wanted)) return { usable: stored.record };
    return stored.record.refreshToken !== undefined && wanted.mayRefresh ? { stored } : undefined;
  }

  #isUsable(record: TokenRecord, { refused }: Wanted): boolean {
    const { flow, refreshSkewMs } = this.#options;
    return (
      record.accessToken !== refused &&
      // Bound to a key that is gone, or bound when bearer tokens are wanted: of no use.
      record.dpopThumbprint === flow.dpop?.thumbprint &&
      !expiresSoon(record, flow.clock.now(), refreshSkewMs)
    );
  }

  async #refresh(
    { record, version }: Versioned<TokenRecord>,
    wanted: Wanted,
  ): Promise<Renewed | undefined> {
    const { flow, client } = this.#options;
    const refreshToken = record.refreshToken as string;
    let fresh: TokenRecord;
    try {
      fresh = await refreshTokens(flow, client, { ...record, refreshToken });
    } catch (error) {
      return this.#afterRefusal(error, version, wanted);
    }
    // Somebody may have authorized anew meanwhile: what they wrote is at least as good.
    const isKept = await flow.store.set(this.#key, fresh, version).catch(() => false);
    const newer = isKept ? undefined : usable(await this.#find(wanted).catch(() => undefined));
    if (newer !== undefined) return newer;
    if (!isKept) await this.keep(fresh);
    return { record: fresh, isRefreshed: true };
  }

  /** The refused refresh token goes, and nothing that was written after it. */
  async #afterRefusal(
    error: unknown,
    version: string,
    wanted: Wanted,
  ): Promise<Renewed | undefined> {
    const { flow, grant, client } = this.#options;
    const oauthError = OAuthClientError.isInstance(error) ? error.oauthError : undefined;
    const clientIsDead = CLIENT_IS_DEAD.includes(oauthError);
    if (!clientIsDead && !TOKEN_IS_DEAD.includes(oauthError)) throw error;
    flow.logger.warn(
      { stage: "refresh", issuer: shownUrl(flow.server.issuer), error: oauthError },
      "The authorization server refused to refresh a token",
    );
    if (clientIsDead) {
      if (grant.forget === undefined) throw error;
      await grant.forget(flow, client.clientId);
    }
    await flow.store.delete(this.#key, version);
    return usable(await this.#find(wanted));
  }
}

function usable(found: Found | undefined): Renewed | undefined {
  return found !== undefined && "usable" in found
    ? { record: found.usable, isRefreshed: false }
    : undefined;
}
