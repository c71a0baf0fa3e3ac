import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { codes } from "../errors.ts";
import { parseWeatherCsv } from "./csv.ts";
import { createRecordedWeather } from "./recorded-weather.ts";

const text = readFileSync(new URL("../../data/weather.csv", import.meta.url), "utf8");
const weather = createRecordedWeather(parseWeatherCsv(text));

describe("recorded weather", () => {
  it("answers the last recorded day when none is asked for", async () => {
    expect(await weather.getWeather({ location: "Seattle" })).toEqual({
      location: "Seattle",
      observedOn: "2015-12-31",
      kind: "observed",
      condition: "sun",
      temperatureMax: 5.6,
      temperatureMin: -2.1,
      precipitation: 0,
      windSpeed: 3.5,
      windSpeedStatistic: "mean",
      units: { temperature: "°C", precipitation: "mm", windSpeed: "m/s" },
      source: "NOAA daily observations, from the vega-datasets weather.csv",
    });
  });

  it.each(["new york", "  NEW   YORK ", "New York"])("finds %j", async (location) => {
    const report = await weather.getWeather({ location, date: "2012-10-29" });
    expect(report).toMatchObject({ location: "New York", observedOn: "2012-10-29" });
  });

  it.each(["Atlantis", "", "__proto__", "x".repeat(5_000)])(
    "refuses the location %s with −1001 and the known ones",
    async (location) => {
      const error = await weather.getWeather({ location }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: codes.invalidInput,
        data: { field: "location", known: ["New York", "Seattle"] },
      });
      expect((error as Error).message).toContain("Known locations: New York, Seattle.");
      expect((error as Error).message.length).toBeLessThan(250);
    },
  );

  it.each(["2016-01-01", "2011-12-31", "2015-02-29", "31.12.2015", "tomorrow", ""])(
    "refuses the date %j with the recorded range",
    async (date) => {
      await expect(weather.getWeather({ location: "Seattle", date })).rejects.toMatchObject({
        code: codes.invalidInput,
        data: { field: "date" },
        message: expect.stringContaining("2012-01-01 to 2015-12-31") as string,
      });
    },
  );

  it("gives ranges and observations by place", () => {
    expect(weather.rangeOf("seattle")).toEqual({ first: "2012-01-01", last: "2015-12-31" });
    expect(weather.observationsOf("Seattle")).toHaveLength(1461);
    expect(() => weather.rangeOf("Atlantis")).toThrow(/Known locations/);
  });

  it("refuses to start without data", () => {
    expect(() => createRecordedWeather([])).toThrow(/no observations/);
  });
});
