import { type APIKeys, apiKeysFromEnvironment } from "@backplane/auth";
import { ConfigError, type Environment, read } from "../environment.ts";

/** Who may come in. With neither, a key is made for this run. */
export interface AccessConfig {
  readonly apiKeys: APIKeys | undefined;
  readonly jwt: JWTConfig | undefined;
}

/** Tokens that somebody issues with a secret which is shared with this server. */
export interface JWTConfig {
  readonly secretKey: string;
  readonly issuer: string;
  readonly audience: string;
}

/**
 * @param outsideHost the host that is bound, when it is reachable from outside.
 * @throws {ConfigError} for a variable that is missing or malformed; it repeats no key.
 */
export function readAccess(env: Environment, outsideHost: string | undefined): AccessConfig {
  const access = { apiKeys: readKeys(env), jwt: readJWT(env) };
  if (outsideHost !== undefined && access.apiKeys === undefined && access.jwt === undefined) {
    throw new ConfigError(
      `HOST=${outsideHost} makes the server reachable from outside: set API_KEYS, or JWT_SECRET with JWT_ISSUER and JWT_AUDIENCE, so that it knows who is calling`,
    );
  }
  return access;
}

function readKeys(env: Environment): APIKeys | undefined {
  if (read(env, "API_KEYS") === undefined) return undefined;
  try {
    return apiKeysFromEnvironment("API_KEYS", env);
  } catch (error) {
    throw new ConfigError((error as Error).message, { cause: error });
  }
}

const JWT_VARIABLES = ["JWT_SECRET", "JWT_ISSUER", "JWT_AUDIENCE"] as const;

function readJWT(env: Environment): JWTConfig | undefined {
  const values = JWT_VARIABLES.map((variable) => read(env, variable));
  if (values.every((value) => value === undefined)) return undefined;
  const missing = JWT_VARIABLES.filter((_, index) => values[index] === undefined);
  if (missing.length > 0) {
    throw new ConfigError(
      `tokens need all of ${JWT_VARIABLES.join(", ")}: set ${missing.join(" and ")}`,
    );
  }
  const [secretKey, issuer, audience] = values as [string, string, string];
  return { secretKey, issuer, audience };
}
