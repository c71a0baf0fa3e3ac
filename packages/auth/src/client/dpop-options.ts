import type { CryptoKey } from "jose";

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
