import { MCPCache } from "@backplane/cache";
import { afterAll, describe, expect, it } from "vitest";
import { upstreamUnavailable } from "../errors.ts";
import { cachedWeather } from "./cached-weather.ts";
import { UNITS, type WeatherQuery, type WeatherReport } from "./weather-source.ts";

const cache = new MCPCache();
afterAll(() => cache.close());

function reportOf({ location, date }: WeatherQuery): WeatherReport {
  return {
    location,
    observedOn: date ?? "2026-03-02",
    kind: "modelled",
    condition: "rain",
    temperatureMax: 9.4,
    temperatureMin: 2.1,
    precipitation: 3.2,
    windSpeed: 6.9,
    windSpeedStatistic: "maximum",
    units: UNITS,
    source: "a test",
  };
}

describe("a cached weather source", () => {
  it("is asked once for what many ask, and again after a failure", async () => {
    const asked: WeatherQuery[] = [];
    let isAway = true;
    const weather = cachedWeather(
      {
        description: "a test",
        close: async () => {},
        async getWeather(query) {
          asked.push(query);
          if (isAway) throw upstreamUnavailable("Away.", 1_000);
          return reportOf(query);
        },
      },
      cache,
    );
    await expect(weather.getWeather({ location: "Rome" })).rejects.toMatchObject({
      code: -2001,
      retryAfterMs: 1_000,
    });
    isAway = false;
    const reports = await Promise.all(
      ["Rome", " rome", "ROME"].map((location) => weather.getWeather({ location })),
    );
    expect(reports).toEqual(Array(3).fill(reportOf({ location: "Rome" })));
    expect(asked).toHaveLength(2);
    await weather.getWeather({ location: "Rome", date: "2026-03-03" });
    expect(asked.at(-1)).toEqual({ location: "Rome", date: "2026-03-03" });
  });
});
