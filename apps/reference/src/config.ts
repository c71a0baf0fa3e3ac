import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isLoopbackHost } from "@backplane/server";
import { resolveTimeZone } from "./time-zone.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the environment says, checked. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Undefined: loopback names only. */
  readonly allowedHosts: readonly string[] | undefined;
  readonly logLevel: LogLevel;
  readonly drainDelayMs: number;
  readonly weather: WeatherConfig;
  readonly calendarDir: string;
  readonly bookingsDir: string;
  readonly timeZone: string;
}

export type WeatherConfig =
  | { readonly source: "recorded" }
  | { readonly source: "live"; readonly weatherUrl: URL; readonly geocodingUrl: URL };

/** A variable with a value that cannot be used. The message names it and says what it takes. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DATA = new URL("../data/", import.meta.url);
/** A balancer asks `/ready` every few seconds; who connects by loopback has none. */
const DRAIN_DELAY_MS = 5_000;

/** An empty variable counts as not set. @throws {ConfigError} */
export function readConfig(env: Environment): Config {
  const host = read(env, "HOST") ?? "127.0.0.1";
  const allowedHosts = read(env, "ALLOWED_HOSTS")
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (!isLoopbackHost(host) && allowedHosts === undefined) {
    throw new ConfigError(
      `HOST=${host} makes the server reachable from outside: set ALLOWED_HOSTS to the host names it is called by, separated by commas`,
    );
  }
  return {
    host,
    port: readWholeNumber(env, "PORT", 8_080, 65_535),
    allowedHosts,
    logLevel: readChoice(env, "LOG_LEVEL", LOG_LEVELS, "warn"),
    drainDelayMs: readWholeNumber(
      env,
      "DRAIN_DELAY_MS",
      isLoopbackHost(host) ? 0 : DRAIN_DELAY_MS,
      600_000,
    ),
    weather: readWeather(env),
    calendarDir: readPath(env, "CALENDAR_DIR", "calendars"),
    bookingsDir: readPath(env, "BOOKINGS_DIR", "bookings"),
    timeZone: readTimeZone(env),
  };
}

/** Where the shipped data file of that name is. */
export function dataFile(name: string): string {
  return fileURLToPath(new URL(name, DATA));
}

function readWeather(env: Environment): WeatherConfig {
  const source = readChoice(env, "WEATHER_SOURCE", ["recorded", "live"] as const, "recorded");
  if (source === "recorded") return { source };
  return {
    source,
    weatherUrl: readUrl(env, "WEATHER_API_URL", "https://api.open-meteo.com"),
    geocodingUrl: readUrl(env, "GEOCODING_API_URL", "https://geocoding-api.open-meteo.com"),
  };
}

function readTimeZone(env: Environment): string {
  const name = read(env, "TIME_ZONE") ?? "UTC";
  const zone = resolveTimeZone(name);
  if (zone !== undefined) return zone.name;
  throw new ConfigError(`TIME_ZONE=${name} is not an IANA time zone, such as Europe/Berlin`);
}

function readPath(env: Environment, variable: string, fallback: string): string {
  const path = read(env, variable);
  if (path === undefined) return dataFile(fallback);
  return isAbsolute(path) ? path : resolve(path);
}

function readUrl(env: Environment, variable: string, fallback: string): URL {
  const text = read(env, variable) ?? fallback;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  // The value may hold a key, so it is not repeated.
  throw new ConfigError(`${variable} must be an http or https URL`);
}

function readWholeNumber(
  env: Environment,
  variable: string,
  fallback: number,
  max: number,
): number {
  const text = read(env, variable);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new ConfigError(`${variable}=${text} must be a whole number from 0 to ${max}`);
}

function readChoice<Choice extends string>(
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

function read(env: Environment, variable: string): string | undefined {
  const value = env[variable]?.trim();
  return value === "" ? undefined : value;
}
