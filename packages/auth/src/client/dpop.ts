import type { CryptoKey } from "jose";
import { OAuthClientError } from "./errors.ts";
import type { Sdk } from "./sdk.ts";

/** Signature algorithms of DPoP proofs: asymmetric ones only (RFC 9449, 4.2). */
export type DpopAlgorithm =
  | "ES256"
  | "ES384"
  | "ES512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "EdDSA";

/** How tokens are bound to a key of this client, so that a stolen one is of no use (RFC 9449). */
export interface DpopOptions {
  /** Of the key that is made; a given key decides by itself. Default "ES256". */
  readonly algorithm?: DpopAlgorithm;
  /**
   * A key of the application, for refresh tokens that must outlive the process. By default one is made
   * that cannot be exported, and lives as long as this object.
   */
  readonly keyPair?: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
}

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

/** @throws {TypeError} when the key is of a kind that proofs cannot be signed with. */
export function algorithmOf(key: CryptoKey): DpopAlgorithm {
  const { name, namedCurve, hash } = key.algorithm as {
    name: string;
    namedCurve?: string;
    hash?: { name: string };
  };
  const found = ALGORITHMS[[name, namedCurve ?? hash?.name ?? ""].join(" ").trim()];
  if (found !== undefined && key.usages.includes("sign")) return found;
  throw new TypeError(
    `option "dpop.keyPair": the private key must be an ECDSA, Ed25519, RSASSA-PKCS1-v1_5 or RSA-PSS key that signs, not ${name}`,
  );
}

const ALGORITHMS: Readonly<Record<string, DpopAlgorithm>> = {
  "ECDSA P-256": "ES256",
  "ECDSA P-384": "ES384",
  "ECDSA P-521": "ES512",
  "RSASSA-PKCS1-v1_5 SHA-256": "RS256",
  "RSASSA-PKCS1-v1_5 SHA-384": "RS384",
  "RSASSA-PKCS1-v1_5 SHA-512": "RS512",
  "RSA-PSS SHA-256": "PS256",
  "RSA-PSS SHA-384": "PS384",
  "RSA-PSS SHA-512": "PS512",
  Ed25519: "EdDSA",
};

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
