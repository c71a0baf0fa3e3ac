import { type AuthenticationRequest, type Clock, sha256 } from "@backplane/protocol";
import type { JWK } from "jose";
import { AuthenticationError, type AuthenticationStage } from "./authentication-error.ts";
import type { DpopNonces } from "./dpop-nonce.ts";
import { loadJose } from "./internal/jose.ts";

/** What a proof is checked against. */
export interface DpopCheckOptions {
  /** Asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** The URL of this server as clients see it. */
  readonly publicUrl: URL;
  /** How old a proof may be, and how far ahead, in milliseconds. */
  readonly maxAgeMs: number;
  /** Proofs remembered, so that none is used twice in this process. */
  readonly maxRemembered: number;
  readonly nonces: DpopNonces | undefined;
  readonly clock: Clock;
}

const MAX_PROOF_LENGTH = 8_192;
const MAX_ID_LENGTH = 256;

/** Checks the proofs that come with DPoP-bound tokens (RFC 9449, 4.3 and 7). */
export class DpopCheck {
  readonly #options: DpopCheckOptions;
  readonly #url: string;
  /** When each remembered proof can be forgotten, oldest first. */
  readonly #seen = new Map<string, number>();

  constructor(options: DpopCheckOptions) {
    this.#options = options;
    this.#url = withoutQuery(options.publicUrl);
  }

  /**
   * @param keyThumbprint of the key that the token is bound to.
   * @throws {AuthenticationError} `invalid_dpop_proof`, or `use_dpop_nonce` for one without a good nonce.
   */
  async assertProof(
    request: AuthenticationRequest,
    token: string,
    keyThumbprint: string,
  ): Promise<void> {
    const proof = request.header("dpop");
    // Several headers are joined by commas, which no proof holds.
    if (proof === undefined || proof.length > MAX_PROOF_LENGTH || !/^[\w.-]+$/.test(proof)) {
      throw invalid("proof");
    }
    const { claims, thumbprint } = await this.#open(proof);
    if (thumbprint !== keyThumbprint) throw invalid("binding");
    const { htm, htu, ath, iat, jti, nonce } = claims;
    if (htm !== request.method) throw invalid("proof");
    if (typeof htu !== "string" || !URL.canParse(htu)) throw invalid("proof");
    if (withoutQuery(new URL(htu)) !== this.#url) throw invalid("proof");
    if (ath !== sha256(token)) throw invalid("binding");
    await this.#assertNonce(nonce);
    this.#assertFresh(iat, jti, thumbprint);
  }

  async #open(
    proof: string,
  ): Promise<{ readonly claims: Record<string, unknown>; readonly thumbprint: string }> {
    const { jwtVerify, EmbeddedJWK, calculateJwkThumbprint } = await loadJose();
    try {
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        algorithms: [...this.#options.algorithms],
        typ: "dpop+jwt",
        // Its age is checked below; it has no other times.
        currentDate: new Date(this.#options.clock.now()),
      });
      const jwk = protectedHeader.jwk as JWK;
      if (jwk.d !== undefined) throw invalid("proof");
      return { claims: payload, thumbprint: await calculateJwkThumbprint(jwk, "sha256") };
    } catch {
      throw invalid("proof");
    }
  }

  async #assertNonce(nonce: unknown): Promise<void> {
    const { nonces } = this.#options;
    if (nonces === undefined) return;
    if (typeof nonce === "string" && (await nonces.accepts(nonce))) return;
    throw new AuthenticationError("use_dpop_nonce", "nonce");
  }

  #assertFresh(iat: unknown, jti: unknown, thumbprint: string): void {
    const { maxAgeMs, maxRemembered, clock } = this.#options;
    const nowMs = clock.now();
    if (typeof iat !== "number" || Math.abs(nowMs - iat * 1_000) > maxAgeMs)
      throw invalid("expiry");
    if (typeof jti !== "string" || jti === "" || jti.length > MAX_ID_LENGTH) throw invalid("proof");
    const id = sha256(`${thumbprint} ${jti}`);
    for (const [oldest, untilMs] of this.#seen) {
      if (untilMs > nowMs && this.#seen.size < maxRemembered) break;
      this.#seen.delete(oldest);
    }
    if (this.#seen.has(id)) throw invalid("replay");
    this.#seen.set(id, nowMs + 2 * maxAgeMs);
  }
}

function invalid(stage: AuthenticationStage): AuthenticationError {
  return new AuthenticationError("invalid_dpop_proof", stage);
}

/** RFC 9449, 4.3: without query and fragment, after the normalisation of RFC 3986 that `URL` does. */
function withoutQuery(url: URL): string {
  return url.origin + url.pathname;
}
