import type { Secret } from "@backplane/protocol";
import type { CryptoKey, JWK } from "jose";

/** A private key that signs a statement for each token request (RFC 7523, 2.2). */
export interface ClientKeyPair {
  /** PKCS #8 as PEM, a private JWK, or a key of Web Crypto, which need not be exportable. */
  readonly privateKey: string | Secret | JWK | CryptoKey;
  /** Of the signature: ES256, RS256, PS256, EdDSA and the like. */
  readonly algorithm: string;
}
