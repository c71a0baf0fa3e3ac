import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { codes } from "../errors.ts";
import { createCalendarService } from "./calendar-service.ts";
import { readHolidays } from "./holidays.ts";
import { createIcsFolder } from "./ics-folder.ts";

const data = new URL("../../data/", import.meta.url);
const holidays = readHolidays(JSON.parse(readFileSync(new URL("holidays.json", data), "utf8")));
const calendar = createCalendarService({
  sources: [createIcsFolder(fileURLToPath(new URL("calendars", data)))],
  holidays,
  defaultTimeZone: "Europe/Berlin",
});

describe("the shipped calendars", () => {
  it("answer a day with every kind of event, and have no problems", async () => {
    expect(await calendar.getCalendar({ date: "2026-06-12", country: "de" })).toEqual({
      date: "2026-06-12",
      weekday: "Friday",
      timeZone: "Europe/Berlin",
      events: [
        {
          title: "Stand-up",
          calendar: "Team",
          location: "Room Ada",
          allDay: false,
          start: "2026-06-12T09:15:00+02:00",
          end: "2026-06-12T09:30:00+02:00",
          continued: false,
          busy: true,
        },
        {
          title: "Night train Paris, Gare de l'Est to Berlin",
          calendar: "Personal",
          location: "Paris",
          allDay: false,
          start: "2026-06-12T22:10:00+02:00",
          end: "2026-06-13T07:30:00+02:00",
          continued: false,
          busy: true,
        },
      ],
      holidays: [],
      problems: [],
    });
  });

  it.each([
    ["2015-12-16", "Europe/Berlin", ["Stand-up (moved)"]],
    ["2015-12-24", "Europe/Berlin", []],
    ["2015-12-31", "America/New_York", ["Stand-up", "New Year's Eve party"]],
    ["2016-01-01", "America/New_York", ["New Year's Eve party", "Stand-up"]],
    ["2026-03-10", "America/Los_Angeles", ["Stand-up", "Patch window"]],
    ["2026-05-05", "Europe/Berlin", ["Stand-up"]],
    ["2026-06-09", "Europe/Berlin", ["Team retreat", "Stand-up", "Sprint planning"]],
    ["2026-06-13", "Europe/Berlin", ["Night train Paris, Gare de l'Est to Berlin", "Morning run"]],
  ])("have on %s in %s: %j", async (date, timeZone, titles) => {
    const day = await calendar.getCalendar({ date, timeZone });
    expect(day.events.map((event) => event.title)).toEqual(titles);
    expect(day.problems).toEqual([]);
    expect(day).not.toHaveProperty("holidays");
  });

  it("carry the sentence that they are samples", () => {
    for (const name of ["team", "personal", "on-call"]) {
      const text = readFileSync(new URL(`calendars/${name}.ics`, data), "utf8");
      expect(text).toMatch(/X-WR-CALDESC:Sample data: /);
    }
  });
});

describe("public holidays", () => {
  it.each([
    ["2026-07-03", "US", ["Independence Day (substitute day)"]],
    ["2015-12-25", " gb ", ["Christmas Day"]],
    ["2024-05-01", "FR", ["Labour Day"]],
    ["2027-12-31", "US", ["New Year's Day (substitute day)"]],
    ["2026-03-03", "DE", []],
  ])("on %s in %j: %j", async (date, country, names) => {
    const day = await calendar.getCalendar({ date, country });
    expect(day.holidays?.map((holiday) => holiday.name)).toEqual(names);
  });

  it("are never said to be none where they are unknown", async () => {
    await expect(calendar.getCalendar({ date: "2026-03-02", country: "XX" })).rejects.toMatchObject(
      {
        code: codes.invalidInput,
        data: { field: "country", known: ["DE", "FR", "GB", "US"] },
      },
    );
    await expect(calendar.getCalendar({ date: "2029-01-01", country: "US" })).rejects.toMatchObject(
      {
        code: codes.invalidInput,
        data: { field: "date" },
        message: expect.stringContaining("2012 to 2028") as string,
      },
    );
  });

  it("refuses a data file of another form", () => {
    expect(() => readHolidays({ countries: { usa: [] } })).toThrow();
  });
});

describe("arguments", () => {
  it.each([
    [{ date: "2026-02-30" }, "date"],
    [{ date: "today" }, "date"],
    [{ date: "1899-12-31" }, "date"],
    [{ date: "9999-12-31" }, "date"],
    [{ date: "2026-03-02", timeZone: "Berlin" }, "timeZone"],
    [{ date: "2026-03-02", timeZone: "" }, "timeZone"],
  ])("refuses %j with the field's name", async (query, field) => {
    await expect(calendar.getCalendar(query)).rejects.toMatchObject({
      code: codes.invalidInput,
      data: { field },
    });
  });

  it("refuses a default time zone that is none", () => {
    const options = { sources: [], holidays, defaultTimeZone: "Mars/Olympus" };
    expect(() => createCalendarService(options)).toThrow(/Mars\/Olympus is not an IANA time zone/);
  });
});
