import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { IssuedToken } from "./oauth-server.ts";

/** Signs access tokens, and shows with what they are checked. */
export interface TokenSigner {
  readonly publicKey: JWK;
  sign(token: IssuedToken, id: string): Promise<string>;
}

const ALGORITHM = "ES256";

/** JSON Web Tokens by RFC 9068, with a key of this process. */
export async function createTokenSigner(issuer: string): Promise<TokenSigner> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM);
  const kid = globalThis.crypto.randomUUID();
  return {
    publicKey: { ...(await exportJWK(publicKey)), kid, alg: ALGORITHM, use: "sig" },
    sign({ scope, resource, clientId, subject = clientId, expiresAtMs }, id) {
      const token = new SignJWT({ scope, client_id: clientId })
        .setProtectedHeader({ alg: ALGORITHM, typ: "at+jwt", kid })
        .setIssuer(issuer)
        .setSubject(subject)
        .setJti(id)
        .setIssuedAt();
      if (resource !== null) token.setAudience(resource);
      if (expiresAtMs !== undefined) token.setExpirationTime(Math.floor(expiresAtMs / 1000));
      return token.sign(privateKey);
    },
  };
}
