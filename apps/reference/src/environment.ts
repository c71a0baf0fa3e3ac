import { isAbsolute, resolve } from "node:path";

/** A variable with a value that cannot be used. The message names it and says what it takes. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable's value; an empty one counts as not set. */
export function read(env: Environment, variable: string): string | undefined {
  const value = env[variable]?.trim();
  return value === "" ? undefined : value;
}

/** What stands between commas. */
export function readList(env: Environment, variable: string): readonly string[] | undefined {
  return read(env, variable)
    ?.split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

export function readPath(env: Environment, variable: string, fallback: string): string {
  const path = read(env, variable);
  if (path === undefined) return fallback;
  return isAbsolute(path) ? path : resolve(path);
}

/** @param schemes such as `["http:", "https:"]`. @throws {ConfigError} */
export function readUrl(
  env: Environment,
  variable: string,
  schemes: readonly string[],
): URL | undefined {
  const text = read(env, variable);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && schemes.includes(url.protocol)) return url;
  const names = schemes.map((scheme) => scheme.replace(":", "")).join(" or ");
  // The value may hold a key or a password, so it is not repeated.
  throw new ConfigError(`${variable} must be a URL of the scheme ${names}`);
}

/** @throws {ConfigError} */
export function readWholeNumber(
  env: Environment,
  variable: string,
  fallback: number,
  [min, max]: readonly [min: number, max: number],
): number {
  const text = read(env, variable);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new ConfigError(`${variable}=${text} must be a whole number from ${min} to ${max}`);
}

/** @throws {ConfigError} */
export function readChoice<Choice extends string>(
  env: Environment,
  variable: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const text = read(env, variable)?.toLowerCase() ?? fallback;
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new ConfigError(`${variable}=${text} must be one of ${choices.join(", ")}`);
}
