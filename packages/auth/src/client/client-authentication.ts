import { Secret } from "@backplane/protocol";
import type { AuthorizationServerMetadata } from "@modelcontextprotocol/client";
import type { CryptoKey, JWK } from "jose";
import type { ClientKeyPair } from "./client-key-pair.ts";
import { OAuthClientError } from "./errors.ts";
import type { Sdk } from "./sdk.ts";

/** Adds what proves the client to a token request. */
export type ClientAuthentication = (
  headers: Headers,
  parameters: URLSearchParams,
  url: string | URL,
  metadata?: AuthorizationServerMetadata,
) => void | Promise<void>;

/** A client as one authorization server knows it. */
export interface ClientIdentity {
  readonly clientId: string;
  readonly authenticate: ClientAuthentication;
}

/** A client with a secret, or without one: a public client. */
export interface SecretClient {
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  /** What the registration agreed on. */
  readonly method?: string | undefined;
}

/** The method is the one of the registration, else the first of Basic, body and none that is supported. */
export function secretClient(sdk: Sdk, client: SecretClient): ClientIdentity {
  const { clientId, clientSecret, method: agreed } = client;
  return {
    clientId,
    authenticate(headers, parameters, _url, metadata) {
      const supported = metadata?.token_endpoint_auth_methods_supported ?? [];
      const information = {
        client_id: clientId,
        ...(clientSecret && { client_secret: clientSecret.reveal() }),
        ...(agreed !== undefined && { token_endpoint_auth_method: agreed }),
      };
      const method = sdk.selectClientAuthMethod(information, [...supported]);
      if (clientSecret !== undefined && supported.length > 0 && !supported.includes(method)) {
        throw unsupported(`client_secret_basic or client_secret_post`, supported);
      }
      if (method === "client_secret_basic" && clientSecret !== undefined) {
        headers.set("authorization", `Basic ${basicCredentials(clientId, clientSecret.reveal())}`);
        return;
      }
      parameters.set("client_id", clientId);
      if (method === "client_secret_post" && clientSecret !== undefined) {
        parameters.set("client_secret", clientSecret.reveal());
      }
    },
  };
}

/** Both parts are form-encoded first (RFC 6749, 2.3.1), which the SDK leaves out: a colon would split them. */
function basicCredentials(clientId: string, clientSecret: string): string {
  const encode = (text: string): string => new URLSearchParams({ a: text }).toString().slice(2);
  return btoa(`${encode(clientId)}:${encode(clientSecret)}`);
}

/** How long a statement is valid: time enough for one request with a clock that is off. */
const ASSERTION_LIFETIME_S = 60;
/** Tolerated by servers whose clock is behind. */
const CLOCK_TOLERANCE_S = 5;

/** Private key JWT. The audience is the issuer, which no other authorization server accepts (RFC 7523bis). */
export function privateKeyClient(
  clientId: string,
  { privateKey, algorithm }: ClientKeyPair,
  now: () => number,
): ClientIdentity {
  let key: Promise<CryptoKey | Uint8Array> | undefined;
  return {
    clientId,
    async authenticate(_headers, parameters, url, metadata) {
      const methods = metadata?.token_endpoint_auth_methods_supported;
      if (methods !== undefined && !methods.includes("private_key_jwt")) {
        throw unsupported("private_key_jwt", methods);
      }
      const algorithms = signingAlgorithms(metadata);
      if (algorithms !== undefined && !algorithms.includes(algorithm)) {
        throw unsupported(`private_key_jwt with ${algorithm}`, algorithms);
      }
      key ??= importKey(privateKey, algorithm);
      const { SignJWT } = await import("jose");
      const issuedAtS = Math.floor(now() / 1_000);
      const assertion = await new SignJWT()
        .setProtectedHeader({ alg: algorithm, typ: "JWT" })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(metadata?.issuer ?? String(url))
        .setIssuedAt(issuedAtS - CLOCK_TOLERANCE_S)
        .setExpirationTime(issuedAtS + ASSERTION_LIFETIME_S)
        .setJti(crypto.randomUUID())
        .sign(await key);
      parameters.set("client_id", clientId);
      parameters.set(
        "client_assertion_type",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      );
      parameters.set("client_assertion", assertion);
    },
  };
}

function signingAlgorithms(
  metadata: AuthorizationServerMetadata | undefined,
): readonly string[] | undefined {
  return metadata !== undefined && "token_endpoint_auth_signing_alg_values_supported" in metadata
    ? (metadata.token_endpoint_auth_signing_alg_values_supported as readonly string[] | undefined)
    : undefined;
}

async function importKey(
  privateKey: ClientKeyPair["privateKey"],
  algorithm: string,
): Promise<CryptoKey | Uint8Array> {
  const { importJWK, importPKCS8 } = await import("jose");
  if (privateKey instanceof Secret) return importPKCS8(privateKey.reveal(), algorithm);
  if (typeof privateKey === "string") return importPKCS8(privateKey, algorithm);
  return "kty" in privateKey
    ? importJWK({ ...(privateKey as JWK), ext: false }, algorithm)
    : (privateKey as CryptoKey);
}

function unsupported(wanted: string, supported: readonly string[]): OAuthClientError {
  const listed = JSON.stringify(supported.slice(0, 10)).slice(0, 300);
  return new OAuthClientError(
    "client_auth_unsupported",
    "token",
    `OAuth token: this client authenticates by ${wanted}; the authorization server supports ${listed}`,
  );
}
