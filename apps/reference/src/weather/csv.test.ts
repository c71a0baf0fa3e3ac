import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseWeatherCsv } from "./csv.ts";

const HEADER = "location,date,precipitation,temp_max,temp_min,wind,weather";

describe("the weather file", () => {
  it("parses the shipped data: two places, each day of four years", async () => {
    const text = await readFile(new URL("../../data/weather.csv", import.meta.url), "utf8");
    const observations = parseWeatherCsv(text);
    expect(observations).toHaveLength(2 * (366 + 3 * 365));
    expect(observations[1]).toEqual({
      location: "Seattle",
      date: "2012-01-02",
      precipitation: 10.9,
      temperatureMax: 10.6,
      temperatureMin: 2.8,
      windSpeed: 4.5,
      condition: "rain",
    });
  });

  it("accepts CRLF", () => {
    expect(parseWeatherCsv(`${HEADER}\r\nOslo,2015-01-01,0,1,-1,2,sun\r\n`)).toHaveLength(1);
  });

  it.each([
    ["another header", "date,location\n", /line 1: the header/],
    ["a missing cell", `${HEADER}\nOslo,2015-01-01,0,1,-1,2\n`, /line 2: 6 cells/],
    ["no number", `${HEADER}\nOslo,2015-01-01,0,warm,-1,2,sun\n`, /line 2: "warm" is not a number/],
    ["an empty number", `${HEADER}\nOslo,2015-01-01,,1,-1,2,sun\n`, /line 2: "" is not a number/],
    ["no date", `${HEADER}\nOslo,2015-02-30,0,1,-1,2,sun\n`, /line 2: 2015-02-30 is not a date/],
    ["an empty name", `${HEADER}\n,2015-01-01,0,1,-1,2,sun\n`, /line 2: an empty cell/],
    [
      "a repeated day",
      `${HEADER}\nOslo,2015-01-01,0,1,-1,2,sun\nOslo,2015-01-01,0,1,-1,2,sun\n`,
      /line 3: Oslo,2015-01-01 occurs twice/,
    ],
  ])("refuses %s and names the line", (_name, text, message) => {
    expect(() => parseWeatherCsv(text)).toThrow(message);
  });
});
