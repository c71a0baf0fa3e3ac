import { APIKeyAuth, type APIKeys, anyOf, generateApiKey, JWTAuth } from "@backplane/auth";
import type { Authenticator } from "@backplane/protocol";
import { ConfigError } from "../environment.ts";
import type { AccessConfig, JWTConfig } from "./access-config.ts";
import { guardPaths } from "./path-roles.ts";
import { OPERATOR } from "./roles.ts";

/** How callers are known. */
export interface Authentication {
  readonly authenticator: Authenticator;
  /** Made for this run, because nobody has configured any: the one who starts the server is its operator. */
  readonly developmentKey: string | undefined;
}

/**
 * A key in `X-API-Key`, or behind `Authorization: Bearer` a key or a token: the first that accepts decides.
 * @throws {ConfigError} that names the variable, and no key.
 */
export function createAuthentication({ apiKeys, jwt }: AccessConfig): Authentication {
  const isConfigured = apiKeys !== undefined || jwt !== undefined;
  const developmentKey = isConfigured ? undefined : generateApiKey();
  const keys: APIKeys | undefined =
    developmentKey === undefined
      ? apiKeys
      : { developer: { key: developmentKey, roles: [OPERATOR] } };
  const ways: Authenticator[] = [];
  if (keys !== undefined) {
    ways.push(
      named("API_KEYS", () => new APIKeyAuth({ apiKeys: keys })),
      new APIKeyAuth({ apiKeys: keys, headerName: "Authorization" }),
    );
  }
  if (jwt !== undefined) ways.push(createJWTAuth(jwt));
  return { authenticator: guardPaths(anyOf(ways)), developmentKey };
}

/** What checks tokens, and signs them for trying out. @throws {ConfigError} */
export function createJWTAuth(jwt: JWTConfig): JWTAuth {
  return named("JWT_SECRET", () => new JWTAuth({ ...jwt, algorithms: ["HS256"] }));
}

/** @throws {ConfigError} that begins with the variable which the failure comes from. */
function named<Value>(variable: string, make: () => Value): Value {
  try {
    return make();
  } catch (cause) {
    throw new ConfigError(`${variable}: ${(cause as Error).message}`, { cause });
  }
}
