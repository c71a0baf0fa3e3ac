import { algorithmOf, type DpopOptions } from "./dpop-options.ts";
import { OAuthClientError } from "./errors.ts";
import type { Sdk } from "./sdk.ts";

/** The signing key with the nonces that servers gave. */
export type DpopSession = Awaited<ReturnType<Sdk["DpopSession"]["create"]>>;

/** One session for all flows and requests of a token source, made when it is first needed. */
export function lazyDpop(options: DpopOptions): (sdk: Sdk) => Promise<DpopSession> {
  let made: Promise<DpopSession> | undefined;
  return (sdk) => {
    made ??= createSession(sdk, options);
    return made;
  };
}

async function createSession(sdk: Sdk, { algorithm, keyPair }: DpopOptions): Promise<DpopSession> {
  if (keyPair === undefined) return sdk.DpopSession.create({ alg: algorithm ?? "ES256" });
  const { calculateJwkThumbprint, exportJWK } = await import("jose");
  const publicJwk = await exportJWK(keyPair.publicKey);
  const thumbprint = await calculateJwkThumbprint(publicJwk, "sha256");
  const alg = algorithmOf(keyPair.privateKey);
  return sdk.DpopSession.create({ keyPair: { ...keyPair, publicJwk, thumbprint, alg } });
}

/** The nonce of a proof that was sent; undefined for none. */
export function nonceOfProof(proof: string | undefined): string | undefined {
  const payload = proof?.split(".")[1];
  if (payload === undefined) return undefined;
  const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
    char.charCodeAt(0),
  );
  return (JSON.parse(new TextDecoder().decode(bytes)) as { nonce?: string }).nonce;
}

/**
 * Refuses an authorization server that says it cannot check proofs of this key. One that says nothing may
 * still issue bound tokens: metadata of OpenID Connect loses the field on its way here.
 */
export function assertDpopAlgorithm(
  session: DpopSession | undefined,
  supported: readonly string[] | undefined,
): void {
  if (session === undefined || supported === undefined || supported.includes(session.alg)) return;
  throw new OAuthClientError(
    "dpop_unsupported",
    "token",
    `OAuth token: the authorization server checks no DPoP proofs with ${session.alg}; option "dpop" can name another algorithm`,
  );
}
