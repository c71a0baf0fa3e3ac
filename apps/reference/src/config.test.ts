import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dataFile, readConfig } from "./config.ts";
import { ConfigError } from "./environment.ts";

describe("the environment", () => {
  it("may be empty", () => {
    expect(readConfig({ HOST: "", PORT: " " })).toEqual({
      serverName: undefined,
      host: "127.0.0.1",
      port: 8080,
      allowedHosts: undefined,
      trustProxy: undefined,
      logLevel: "warn",
      drainDelayMs: 0,
      access: { apiKeys: undefined, jwt: undefined },
      keyRing: undefined,
      redisUrl: undefined,
      redisPrefix: "backplane-reference",
      databaseUrl: undefined,
      traceEndpoint: undefined,
      auditFile: undefined,
      callsPerMinute: 600,
      weather: { source: "recorded" },
      calendarDir: dataFile("calendars"),
      bookingsDir: dataFile("bookings"),
      toolsFile: dataFile("tools.json"),
      timeZone: "UTC",
    });
    expect(existsSync(dataFile("weather.csv"))).toBe(true);
  });

  it("says everything", () => {
    const config = readConfig({
      HOST: "0.0.0.0",
      PORT: "0",
      ALLOWED_HOSTS: "mcp.example, localhost ,",
      SERVER_NAME: "server-1",
      API_KEYS: "me=a-key-that-is-long-enough",
      JWT_SECRET: "a secret of 32 bytes, or of more than that",
      JWT_ISSUER: "https://issuer.example",
      JWT_AUDIENCE: "https://mcp.example/mcp",
      REQUEST_STATE_KEYS: `k1:${"A".repeat(43)}`,
      REDIS_URL: "redis://redis:6379",
      DATABASE_URL: "postgres://backplane:secret@postgres:5432/backplane",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
      AUDIT_FILE: "/var/log/audit.jsonl",
      CALLS_PER_MINUTE: "60",
      TRUST_PROXY: "loopback, 10.0.0.0/8",
      LOG_LEVEL: "DEBUG",
      WEATHER_SOURCE: "live",
      WEATHER_API_URL: "http://127.0.0.1:9000/prefix",
      CALENDAR_DIR: "/srv/calendars",
      BOOKINGS_DIR: "bookings",
      TIME_ZONE: "europe/berlin",
    });
    expect(config).toMatchObject({
      host: "0.0.0.0",
      port: 0,
      allowedHosts: ["mcp.example", "localhost"],
      logLevel: "debug",
      // Somebody may balance over it, so readiness fails first.
      drainDelayMs: 5_000,
      calendarDir: "/srv/calendars",
      timeZone: "Europe/Berlin",
      serverName: "server-1",
      access: {
        apiKeys: { me: expect.anything() },
        jwt: { issuer: "https://issuer.example", audience: "https://mcp.example/mcp" },
      },
      redisUrl: "redis://redis:6379",
      databaseUrl: "postgres://backplane:secret@postgres:5432/backplane",
      traceEndpoint: new URL("http://collector:4318"),
      auditFile: "/var/log/audit.jsonl",
      callsPerMinute: 60,
      trustProxy: ["loopback", "10.0.0.0/8"],
    });
    expect(config.keyRing?.current()).toMatchObject({ id: "k1" });
    expect(config.bookingsDir).toMatch(/^\/.*\/bookings$/);
    expect(config.weather).toEqual({
      source: "live",
      weatherUrl: new URL("http://127.0.0.1:9000/prefix"),
      geocodingUrl: new URL("https://geocoding-api.open-meteo.com"),
    });
    expect(readConfig({ DRAIN_DELAY_MS: "7" }).drainDelayMs).toBe(7);
  });

  it.each([
    [{ PORT: "80a" }, /^PORT=80a must be a whole number from 0 to 65535$/],
    [{ PORT: "70000" }, /^PORT=70000 /],
    [{ PORT: "-1" }, /^PORT=-1 /],
    [{ HOST: "0.0.0.0" }, /^HOST=0\.0\.0\.0 .* set ALLOWED_HOSTS/],
    [
      { HOST: "0.0.0.0", ALLOWED_HOSTS: "x" },
      /^HOST=0\.0\.0\.0 .* set API_KEYS, or JWT_SECRET with JWT_ISSUER and JWT_AUDIENCE/,
    ],
    [{ API_KEYS: "{" }, /API_KEYS/],
    [{ JWT_SECRET: "x", JWT_ISSUER: "y" }, /set JWT_AUDIENCE$/],
    [{ REQUEST_STATE_KEYS: "k1:short" }, /^REQUEST_STATE_KEYS: /],
    [{ REDIS_URL: "http://redis" }, /^REDIS_URL must be a URL of the scheme redis or rediss$/],
    [{ DATABASE_URL: "mysql://db" }, /^DATABASE_URL must be a URL of the scheme postgres or /],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be/],
    [{ CALLS_PER_MINUTE: "0" }, /^CALLS_PER_MINUTE=0 must be a whole number from 1 /],
    [{ TRUST_PROXY: "proxy" }, /^TRUST_PROXY holds proxy; it takes addresses/],
    [{ SERVER_NAME: "a b" }, /^SERVER_NAME must be/],
    [{ REDIS_PREFIX: "a{b}" }, /^REDIS_PREFIX must be/],
    [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL=loud must be one of debug, info, warn, error$/],
    [{ WEATHER_SOURCE: "satellite" }, /^WEATHER_SOURCE=satellite must be one of recorded, live$/],
    [
      { WEATHER_SOURCE: "live", WEATHER_API_URL: "ftp://key@x" },
      /^WEATHER_API_URL must be a URL of the scheme http or https$/,
    ],
    [{ TIME_ZONE: "Berlin" }, /^TIME_ZONE=Berlin is not an IANA time zone/],
  ])("is refused by name: %j", (env, message) => {
    expect(() => readConfig(env)).toThrow(ConfigError);
    expect(() => readConfig(env)).toThrow(message);
  });
});
