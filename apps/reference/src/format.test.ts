import { describe, expect, it } from "vitest";
import type { CalendarDay } from "./calendar/calendar-service.ts";
import { formatCalendar, formatConflicts, formatWeather, formatYear } from "./format.ts";
import { UNITS } from "./weather/weather-source.ts";

const event = { calendar: "Team", allDay: false, continued: false, busy: true };

describe("texts", () => {
  it("tells the weather with day, units and source", () => {
    const report = {
      location: "Seattle",
      observedOn: "2015-12-31",
      kind: "observed",
      condition: "sun",
      temperatureMax: 5.6,
      temperatureMin: -2.1,
      precipitation: 0,
      windSpeed: 3.5,
      windSpeedStatistic: "mean",
      units: UNITS,
      source: "NOAA",
    } as const;
    expect(formatWeather(report)).toBe(
      "Seattle, 2015-12-31 (observed): sun, -2.1 to 5.6 °C, precipitation 0 mm, mean wind 3.5 m/s. Source: NOAA.",
    );
    expect(formatWeather({ ...report, kind: "modelled", windSpeedStatistic: "maximum" })).toContain(
      "(modelled): sun, -2.1 to 5.6 °C, precipitation 0 mm, wind up to 3.5 m/s.",
    );
  });

  it("tells a day, dates only where they differ, and what could not be read", () => {
    const day: CalendarDay = {
      date: "2026-06-13",
      weekday: "Saturday",
      timeZone: "Europe/Berlin",
      events: [
        { ...event, title: "Retreat", allDay: true, start: "2026-06-12", end: "2026-06-14" },
        {
          ...event,
          title: "Train",
          location: "Paris",
          start: "2026-06-12T22:10:00+02:00",
          end: "2026-06-13T07:30:00+02:00",
          continued: true,
        },
        {
          ...event,
          title: "Alarm",
          start: "2026-06-13T08:00:00+02:00",
          end: "2026-06-13T08:00:00+02:00",
        },
      ],
      holidays: [{ name: "Test Day", date: "2026-06-13", country: "DE" }],
      problems: [{ file: "bad.ics", reason: "not a regular file" }],
    };
    expect(formatCalendar(day).split("\n")).toEqual([
      "Saturday, 2026-06-13 (Europe/Berlin)",
      "- public holiday: Test Day",
      "- all day Retreat [Team]",
      "- 2026-06-12 22:10–07:30 Train, Paris [Team]",
      "- 08:00 Alarm [Team]",
      "! bad.ics: not a regular file",
    ]);
    expect(formatCalendar({ ...day, events: [], holidays: [], problems: [] })).toContain(
      "- no events",
    );
  });

  it("tells a year, the commonest condition first", () => {
    const value = { date: "2015-07-04", value: 33.3 };
    const text = formatYear("Seattle", {
      year: 2015,
      days: 365,
      meanTemperatureMax: 17.4,
      meanTemperatureMin: 8.8,
      totalPrecipitation: 1139.2,
      hottestDay: value,
      coldestDay: value,
      wettestDay: value,
      conditions: { fog: 3, rain: 5, drizzle: 3 },
    });
    expect(text).toMatch(
      /^Seattle 2015 \(365 days\): mean 8.8 to 17.4 °C, 1139.2 mm in all; hottest 2015-07-04 \(33.3 °C\)/,
    );
    expect(text).toMatch(/days: rain 5, drizzle 3, fog 3\.$/);
  });

  it("tells conflicts", () => {
    expect(formatConflicts([])).toBe("");
    expect(formatConflicts([{ title: "Lunch", start: "12:00", end: "13:00" }])).toBe(
      "The time overlaps with “Lunch” (12:00 to 13:00). ",
    );
  });
});
