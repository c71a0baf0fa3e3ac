import { type Clock, type Principal, sha256Binary } from "@backplane/protocol";
import { AuthenticationError } from "../authentication-error.ts";
import { assertTokenForm } from "./authorization-header.ts";

/** What a token stands for, once it was checked. */
export interface VerifiedToken {
  readonly principal: Principal;
  /** When the token ends, `Infinity` where nobody says; nothing is kept longer. */
  readonly expiresAtMs: number;
  /** Thumbprint of the key that the token is bound to (RFC 9449, 6.1). */
  readonly keyThumbprint?: string;
}

/** Bounds of the memory of checked tokens. */
export interface TokenCacheOptions {
  /** Tokens remembered. Default 10,000; the oldest goes first. */
  readonly maxEntries: number;
  /** How long one is believed without another check, in milliseconds, and never beyond its end. */
  readonly ttlMs: number;
}

interface Entry {
  readonly token: VerifiedToken;
  /** Digest of what a revocation names. */
  readonly signed: string;
  readonly untilMs: number;
}

/** Revoked tokens that are remembered; each is forgotten at its own end. */
const MAX_REVOKED = 100_000;

/**
 * Tokens that were checked, by digest. Requests that bring the same token at once share one check, and a
 * revoked one is refused from that moment, whatever its signature.
 */
export class TokenCache {
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Map<string, Promise<VerifiedToken>>();
  readonly #revoked = new Map<string, number>();
  readonly #options: TokenCacheOptions;
  readonly #clock: Clock;
  readonly #signedPart: (token: string) => string;

  /** @param signedPart what of a token a revocation names. Default the whole. */
  constructor(
    options: TokenCacheOptions,
    clock: Clock,
    signedPart: (token: string) => string = (token) => token,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#signedPart = signedPart;
  }

  /** @throws {AuthenticationError} what `check` throws, or for a revoked token. */
  get(
    token: string,
    check: (token: string) => Promise<VerifiedToken>,
  ): VerifiedToken | Promise<VerifiedToken> {
    const digest = sha256Binary(token);
    const entry = this.#entries.get(digest);
    if (entry !== undefined && this.#clock.now() < entry.untilMs) return entry.token;
    assertTokenForm(token);
    const signed = sha256Binary(this.#signedPart(token));
    if (this.#revoked.has(signed)) throw new AuthenticationError("invalid_token", "revocation");
    const waiting = this.#underWay.get(digest);
    if (waiting !== undefined) return waiting;
    const checking = this.#check(token, { digest, signed }, check);
    this.#underWay.set(digest, checking);
    return checking;
  }

  /**
   * Refuses a token from now on.
   * @param expiresAtMs its end, after which it is refused anyhow. Default what its check said; without one it is
   * refused for good.
   * @throws {Error} when too many are remembered: to forget one would let it in again.
   */
  revoke(token: string, expiresAtMs?: number): void {
    const signed = sha256Binary(this.#signedPart(token));
    this.#forgetEnded();
    if (this.#revoked.size >= MAX_REVOKED) {
      throw new Error(`revoke: ${MAX_REVOKED} revoked tokens are remembered already`);
    }
    let checkedEndMs: number | undefined;
    for (const [digest, entry] of this.#entries) {
      if (entry.signed !== signed) continue;
      checkedEndMs = entry.token.expiresAtMs;
      this.#entries.delete(digest);
    }
    this.#revoked.set(
      signed,
      expiresAtMs ?? checkedEndMs ?? this.#revoked.get(signed) ?? Number.POSITIVE_INFINITY,
    );
  }

  /** Has every token checked again that stands for one of these. @returns how many. */
  forget(matches: (principal: Principal) => boolean): number {
    let count = 0;
    for (const [digest, { token }] of this.#entries) {
      if (matches(token.principal) && this.#entries.delete(digest)) count++;
    }
    return count;
  }

  async #check(
    token: string,
    { digest, signed }: { readonly digest: string; readonly signed: string },
    check: (token: string) => Promise<VerifiedToken>,
  ): Promise<VerifiedToken> {
    try {
      const verified = await check(token);
      // It may have been revoked while it was checked.
      if (this.#revoked.has(signed)) throw new AuthenticationError("invalid_token", "revocation");
      this.#keep(digest, signed, verified);
      return verified;
    } finally {
      this.#underWay.delete(digest);
    }
  }

  #keep(digest: string, signed: string, token: VerifiedToken): void {
    const { maxEntries, ttlMs } = this.#options;
    this.#entries.delete(digest);
    if (this.#entries.size >= maxEntries) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    const untilMs = Math.min(token.expiresAtMs, this.#clock.now() + ttlMs);
    this.#entries.set(digest, { token, signed, untilMs });
  }

  #forgetEnded(): void {
    const nowMs = this.#clock.now();
    for (const [digest, expiresAtMs] of this.#revoked) {
      if (expiresAtMs <= nowMs) this.#revoked.delete(digest);
    }
  }
}
