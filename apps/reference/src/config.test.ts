import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError, dataFile, readConfig } from "./config.ts";

describe("the environment", () => {
  it("may be empty", () => {
    expect(readConfig({ HOST: "", PORT: " " })).toEqual({
      host: "127.0.0.1",
      port: 8080,
      allowedHosts: undefined,
      logLevel: "warn",
      drainDelayMs: 0,
      weather: { source: "recorded" },
      calendarDir: dataFile("calendars"),
      bookingsDir: dataFile("bookings"),
      timeZone: "UTC",
    });
    expect(existsSync(dataFile("weather.csv"))).toBe(true);
  });

  it("says everything", () => {
    const config = readConfig({
      HOST: "0.0.0.0",
      PORT: "0",
      ALLOWED_HOSTS: "mcp.example, localhost ,",
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
    });
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
    [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL=loud must be one of debug, info, warn, error$/],
    [{ WEATHER_SOURCE: "satellite" }, /^WEATHER_SOURCE=satellite must be one of recorded, live$/],
    [
      { WEATHER_SOURCE: "live", WEATHER_API_URL: "ftp://key@x" },
      /^WEATHER_API_URL must be an http or https URL$/,
    ],
    [{ TIME_ZONE: "Berlin" }, /^TIME_ZONE=Berlin is not an IANA time zone/],
  ])("is refused by name: %j", (env, message) => {
    expect(() => readConfig(env)).toThrow(ConfigError);
    expect(() => readConfig(env)).toThrow(message);
  });
});
