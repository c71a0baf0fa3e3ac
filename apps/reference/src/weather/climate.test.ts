import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { summariseYears, type YearSummary, yearsOf } from "./climate.ts";
import { parseWeatherCsv } from "./csv.ts";
import { createRecordedWeather } from "./recorded-weather.ts";

const text = readFileSync(new URL("../../data/weather.csv", import.meta.url), "utf8");
const seattle = createRecordedWeather(parseWeatherCsv(text)).observationsOf("Seattle");

async function collect(years: AsyncIterable<YearSummary>): Promise<YearSummary[]> {
  const all: YearSummary[] = [];
  for await (const year of years) all.push(year);
  return all;
}

describe("climate summary", () => {
  it("gives one summary per recorded year, oldest first", async () => {
    const summaries = await collect(summariseYears(seattle));
    expect(summaries.map((each) => [each.year, each.days])).toEqual([
      [2012, 366],
      [2013, 365],
      [2014, 365],
      [2015, 365],
    ]);
    for (const { conditions, days } of summaries) {
      expect(Object.values(conditions).reduce((sum, count) => sum + count, 0)).toBe(days);
    }
  });

  it("computes means, totals and extremes", async () => {
    const day = { location: "Oslo", windSpeed: 1, condition: "sun" };
    const days = [
      { ...day, date: "2015-01-01", temperatureMax: 1, temperatureMin: -3, precipitation: 0.1 },
      { ...day, date: "2015-01-02", temperatureMax: 4, temperatureMin: -3, precipitation: 0.2 },
      {
        ...day,
        date: "2015-01-03",
        temperatureMax: 2,
        temperatureMin: -1,
        precipitation: 0,
        condition: "fog",
      },
    ];
    expect(await collect(summariseYears(days))).toEqual([
      {
        year: 2015,
        days: 3,
        meanTemperatureMax: 2.3,
        meanTemperatureMin: -2.3,
        totalPrecipitation: 0.3,
        hottestDay: { date: "2015-01-02", value: 4 },
        coldestDay: { date: "2015-01-01", value: -3 },
        wettestDay: { date: "2015-01-02", value: 0.2 },
        conditions: { sun: 2, fog: 1 },
      },
    ]);
  });

  it("stops between two years when the signal fires, with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const seen: number[] = [];
    const walk = async () => {
      for await (const { year } of summariseYears(seattle, { signal: controller.signal })) {
        seen.push(year);
        if (year === 2013) controller.abort(reason);
      }
    };
    await expect(walk()).rejects.toBe(reason);
    expect(seen).toEqual([2012, 2013]);
  });

  it("stops during a pause", async () => {
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const years = summariseYears(seattle, { signal: controller.signal, pauseMs: 60_000 });
    expect((await years.next()).done).toBe(false);
    const next = years.next();
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
  });

  it("knows the years", () => {
    expect(yearsOf(seattle)).toEqual([2012, 2013, 2014, 2015]);
    expect(yearsOf([])).toEqual([]);
  });
});
