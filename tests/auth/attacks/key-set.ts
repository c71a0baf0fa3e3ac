import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { signedBy } from "./tokens.ts";

/** A published key, and what is signed with its secret half. */
export interface SigningKey {
  readonly kid: string;
  readonly jwk: JWK;
  sign(
    claims?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
}

/** A key set over HTTP, whose answers the attacks choose. */
export interface KeySet {
  readonly url: string;
  /** Requests so far. */
  readonly asked: number;
  keys: JWK[];
  /** Answers instead of the keys. */
  answer: ((response: ServerResponse) => void) | undefined;
  /** A new key, published at once. */
  addKey(kid: string, alg: string): Promise<SigningKey>;
  close(): Promise<void>;
}

export async function makeKey(kid: string, alg: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return {
    kid,
    jwk,
    sign: (claims, header) => signedBy(privateKey, claims, { alg, kid, ...header }),
  };
}

export async function startKeySet(): Promise<KeySet> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    if (set.answer !== undefined) set.answer(response);
    else {
      response.setHeader("content-type", "application/jwk-set+json");
      response.end(JSON.stringify({ keys: set.keys }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const set: KeySet = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    get asked() {
      return asked;
    },
    keys: [],
    answer: undefined,
    async addKey(kid, alg) {
      const key = await makeKey(kid, alg);
      set.keys.push(key.jwk);
      return key;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return set;
}
