import type { CryptoKey, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import { AuthenticationError, type AuthenticationStage } from "./authentication-error.ts";
import { readClaims } from "./internal/claims.ts";
import { discoverJwks } from "./internal/discover-jwks.ts";
import { loadJose } from "./internal/jose.ts";
import { createServerFetch } from "./internal/server-fetch.ts";
import type { VerifiedToken } from "./internal/token-cache.ts";
import { RemoteJwks } from "./jwks.ts";
import type { ResolvedJWTOptions } from "./jwt-options.ts";

/** The whole check of a token, without any memory of earlier ones. Rejects with {@link AuthenticationError}. */
export function createJWTCheck(
  options: ResolvedJWTOptions,
): (token: string) => Promise<VerifiedToken> {
  const { issuer, audience, algorithms, type, clockToleranceMs, clock, claims } = options;
  const candidates = keysOf(options);
  const fixed: JWTVerifyOptions = {
    issuer,
    audience: [...audience],
    algorithms: [...algorithms],
    clockTolerance: clockToleranceMs / 1_000,
    requiredClaims: ["exp"],
    ...(type !== undefined && { typ: type }),
  };
  return async (token) => {
    const { jwtVerify } = await loadJose();
    const settings = { ...fixed, currentDate: new Date(clock.now()) };
    const verify = (key: Candidate) =>
      typeof key === "function" ? jwtVerify(token, key, settings) : jwtVerify(token, key, settings);
    const last = candidates.length - 1;
    for (const [index, key] of candidates.entries()) {
      try {
        return readClaims((await verify(key)).payload, claims, issuer);
      } catch (error) {
        // Another key may have signed it: one is being replaced.
        if (index < last && isWrongKey(error)) continue;
        throw AuthenticationError.isInstance(error) ? error : refusal(error);
      }
    }
    throw new AuthenticationError("invalid_token", "key");
  };
}

/** A key, or what finds one by the header of a token. */
type Candidate = Uint8Array | JWTVerifyGetKey;

function isWrongKey(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED";
}

/** Tried in this order. */
function keysOf(options: ResolvedJWTOptions): readonly Candidate[] {
  const { source, issuer, algorithms, urlPolicy, fetch, requestTimeoutMs, jwks, clock } = options;
  switch (source.kind) {
    case "secret":
      return source.secrets;
    case "pem":
      return source.pems.map((pem) => pemKey(pem, algorithms));
    case "jwks": {
      let find: JWTVerifyGetKey | undefined;
      const findOnce: JWTVerifyGetKey = async (header, token) => {
        find ??= (await loadJose()).createLocalJWKSet({ keys: [...source.keys] });
        return find(header, token);
      };
      return [findOnce];
    }
    case "remote": {
      const { url } = source;
      const named = url === undefined ? [issuer] : [url];
      const serverFetch = createServerFetch({
        named,
        urlPolicy,
        fetch,
        timeoutMs: requestTimeoutMs,
      });
      const find = async (): Promise<string> => url ?? discoverJwks(issuer, serverFetch);
      return [new RemoteJwks(find, serverFetch, jwks, clock).find];
    }
  }
}

/** Read once for each algorithm: an imported key is for one. */
function pemKey(pem: string, algorithms: readonly string[]): JWTVerifyGetKey {
  const imported = new Map<string, Promise<CryptoKey>>();
  return async ({ alg }) => {
    // jose refuses the others as well, after it has asked for the key.
    if (!algorithms.includes(alg)) throw new AuthenticationError("invalid_token", "algorithm");
    let key = imported.get(alg);
    if (key === undefined) {
      const { importSPKI, importX509 } = await loadJose();
      key = pem.includes("CERTIFICATE") ? importX509(pem, alg) : importSPKI(pem, alg);
      imported.set(alg, key);
    }
    return key;
  };
}

const STAGES: Readonly<Record<string, AuthenticationStage>> = {
  ERR_JWT_EXPIRED: "expiry",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "signature",
  ERR_JOSE_ALG_NOT_ALLOWED: "algorithm",
  ERR_JOSE_NOT_SUPPORTED: "algorithm",
  ERR_JWKS_NO_MATCHING_KEY: "key",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "key",
};
const CLAIM_STAGES: Readonly<Record<string, AuthenticationStage>> = {
  iss: "issuer",
  aud: "audience",
  exp: "expiry",
  nbf: "not_before",
  iat: "not_before",
  typ: "type",
};

/** Without the cause where the token is at fault, because it holds the claims; with it where a key is. */
function refusal(error: unknown): AuthenticationError {
  const { code, claim } = error as { code?: unknown; claim?: unknown };
  if (typeof code !== "string" || !code.startsWith("ERR_J")) {
    return new AuthenticationError("invalid_token", "key", { cause: error });
  }
  const stage =
    code === "ERR_JWT_CLAIM_VALIDATION_FAILED"
      ? (CLAIM_STAGES[String(claim)] ?? "claims")
      : (STAGES[code] ?? "format");
  return new AuthenticationError("invalid_token", stage);
}
