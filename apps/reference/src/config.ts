import { fileURLToPath } from "node:url";
import { parseIpRange } from "@backplane/protocol";
import { isLoopbackHost, type KeyRing, parseKeyRing } from "@backplane/server";
import { type AccessConfig, readAccess } from "./access/access-config.ts";
import {
  ConfigError,
  type Environment,
  read,
  readChoice,
  readList,
  readPath,
  readUrl,
  readWholeNumber,
} from "./environment.ts";
import { resolveTimeZone } from "./time-zone.ts";

const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** What the environment says, checked. */
export interface Config {
  /** Which of several replicas this is: in logs, metrics and traces. */
  readonly serverName: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Undefined: loopback names only. */
  readonly allowedHosts: readonly string[] | undefined;
  /** Undefined: no proxy is believed. */
  readonly trustProxy: readonly string[] | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly drainDelayMs: number;
  readonly access: AccessConfig;
  /** Undefined: a key of this process, which other replicas cannot open. */
  readonly keyRing: KeyRing | undefined;
  /** Undefined: everything that replicas share is in memory. */
  readonly redisUrl: string | undefined;
  /** Begins what replicas of one service have in Redis: other services there have another. */
  readonly redisPrefix: string;
  /** Undefined: bookings are in a file. */
  readonly databaseUrl: string | undefined;
  /** Undefined: nothing is traced. */
  readonly traceEndpoint: URL | undefined;
  /** Undefined: the audit is kept in memory, as far back as the dashboard shows it. */
  readonly auditFile: string | undefined;
  readonly callsPerMinute: number;
  readonly weather: WeatherConfig;
  readonly calendarDir: string;
  readonly bookingsDir: string;
  /** JSON with the tools that are configured. */
  readonly toolsFile: string;
  readonly timeZone: string;
}

export type WeatherConfig =
  | { readonly source: "recorded" }
  | { readonly source: "live"; readonly weatherUrl: URL; readonly geocodingUrl: URL };

const DATA = new URL("../data/", import.meta.url);
/** A balancer asks `/ready` every few seconds; who connects by loopback has none. */
const DRAIN_DELAY_MS = 5_000;
const HTTP = ["http:", "https:"];

/** An empty variable counts as not set. @throws {ConfigError} */
export function readConfig(env: Environment): Config {
  const host = read(env, "HOST") ?? "127.0.0.1";
  const isLocal = isLoopbackHost(host);
  const allowedHosts = readList(env, "ALLOWED_HOSTS");
  if (!isLocal && allowedHosts === undefined) {
    throw new ConfigError(
      `HOST=${host} makes the server reachable from outside: set ALLOWED_HOSTS to the host names it is called by, separated by commas`,
    );
  }
  return {
    serverName: readName(env, "SERVER_NAME"),
    host,
    port: readWholeNumber(env, "PORT", 8_080, [0, 65_535]),
    allowedHosts,
    trustProxy: readProxies(env),
    logLevel: readChoice(env, "LOG_LEVEL", LOG_LEVELS, "warn"),
    drainDelayMs: readWholeNumber(
      env,
      "DRAIN_DELAY_MS",
      isLocal ? 0 : DRAIN_DELAY_MS,
      [0, 600_000],
    ),
    access: readAccess(env, isLocal ? undefined : host),
    keyRing: readKeyRing(env),
    redisUrl: readUrl(env, "REDIS_URL", ["redis:", "rediss:"])?.href,
    redisPrefix: readName(env, "REDIS_PREFIX") ?? "backplane-reference",
    databaseUrl: readUrl(env, "DATABASE_URL", ["postgres:", "postgresql:"])?.href,
    traceEndpoint: readUrl(env, "OTEL_EXPORTER_OTLP_ENDPOINT", HTTP),
    auditFile: read(env, "AUDIT_FILE") && readPath(env, "AUDIT_FILE", ""),
    callsPerMinute: readWholeNumber(env, "CALLS_PER_MINUTE", 600, [1, 1_000_000]),
    weather: readWeather(env),
    calendarDir: readPath(env, "CALENDAR_DIR", dataFile("calendars")),
    bookingsDir: readPath(env, "BOOKINGS_DIR", dataFile("bookings")),
    toolsFile: readPath(env, "TOOLS_FILE", dataFile("tools.json")),
    timeZone: readTimeZone(env),
  };
}

/** Where the shipped data file of that name is. */
export function dataFile(name: string): string {
  return fileURLToPath(new URL(name, DATA));
}

function readName(env: Environment, variable: string): string | undefined {
  const name = read(env, variable);
  if (name === undefined || /^[\w.-]{1,100}$/.test(name)) return name;
  throw new ConfigError(`${variable} must be 1 to 100 letters, digits, ".", "_" and "-"`);
}

function readProxies(env: Environment): readonly string[] | undefined {
  const proxies = readList(env, "TRUST_PROXY");
  const wrong = proxies?.find((each) => each !== "loopback" && parseIpRange(each) === undefined);
  if (wrong === undefined) return proxies;
  throw new ConfigError(
    `TRUST_PROXY holds ${wrong}; it takes addresses, CIDR blocks such as 10.0.0.0/8, and loopback`,
  );
}

function readKeyRing(env: Environment): KeyRing | undefined {
  const text = read(env, "REQUEST_STATE_KEYS");
  if (text === undefined) return undefined;
  try {
    return parseKeyRing(text);
  } catch (error) {
    throw new ConfigError(`REQUEST_STATE_KEYS: ${(error as Error).message}`, { cause: error });
  }
}

function readWeather(env: Environment): WeatherConfig {
  const source = readChoice(env, "WEATHER_SOURCE", ["recorded", "live"] as const, "recorded");
  if (source === "recorded") return { source };
  const openMeteo = (part: string): URL => new URL(`https://${part}.open-meteo.com`);
  return {
    source,
    weatherUrl: readUrl(env, "WEATHER_API_URL", HTTP) ?? openMeteo("api"),
    geocodingUrl: readUrl(env, "GEOCODING_API_URL", HTTP) ?? openMeteo("geocoding-api"),
  };
}

function readTimeZone(env: Environment): string {
  const name = read(env, "TIME_ZONE") ?? "UTC";
  const zone = resolveTimeZone(name);
  if (zone !== undefined) return zone.name;
  throw new ConfigError(`TIME_ZONE=${name} is not an IANA time zone, such as Europe/Berlin`);
}
