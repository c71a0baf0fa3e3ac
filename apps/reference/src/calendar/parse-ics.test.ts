import { describe, expect, it } from "vitest";
import { dayOf, icsOf, vevent } from "./calendar.test-support.ts";
import { parseIcs } from "./parse-ics.ts";

const sound = vevent("DTSTART:20260302T100000Z");

describe("malformed calendars", () => {
  it.each([
    ["nothing", ""],
    ["a text", "hello"],
    ["zero bytes", "\0\0\0\0"],
    ["a truncated file", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x"],
    ["another component", "BEGIN:VCARD\r\nEND:VCARD\r\n"],
    ["a rule that is none", icsOf(vevent("DTSTART:20260302T100000Z", "RRULE:FREQ=NEVER"))],
  ])("reports %s by name and reason, and does not throw", (_name, text) => {
    const { events, problems } = parseIcs("bad.ics", text);
    expect(events).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: "bad.ics" });
    expect(problems[0]?.reason).toMatch(/^not a readable iCalendar file: ./);
  });

  it.each([
    ["no DTSTART", vevent("DTEND:20260302T100000Z"), /DTSTART is missing/],
    [
      "a date that does not exist",
      vevent("DTSTART:20261340T250000"),
      /DTSTART 2026-13-40T25:00:00 is not/,
    ],
    ["a date that is none", vevent("DTSTART:soon"), /DTSTART .* is not a date or time/],
    [
      "an end before the start",
      vevent("DTSTART:20260302T100000Z", "DTEND:20260302T090000Z"),
      /DTEND lies before/,
    ],
    [
      "an end of another kind",
      vevent("DTSTART:20260302T100000Z", "DTEND;VALUE=DATE:20260303"),
      /not of the same kind/,
    ],
    [
      "a negative duration",
      vevent("DTSTART:20260302T100000Z", "DURATION:-PT1H"),
      /DURATION is negative/,
    ],
    [
      "hours of an all-day event",
      vevent("DTSTART;VALUE=DATE:20260302", "DURATION:PT1H"),
      /has hours/,
    ],
    [
      "periods",
      vevent("DTSTART:20260302T100000Z", "RDATE;VALUE=PERIOD:20260101T000000Z/PT1H"),
      /periods/,
    ],
    [
      "a range",
      vevent("DTSTART:20260302T100000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260302T100000Z"),
      /THISANDFUTURE/,
    ],
  ])("keeps the sound events beside one with %s", (_name, bad, reason) => {
    const { events, problems } = parseIcs("mixed.ics", icsOf(bad, sound));
    expect(events).toHaveLength(1);
    expect(problems).toEqual([
      { file: "mixed.ics", reason: expect.stringMatching(reason) as string },
    ]);
    expect(problems[0]?.reason).toMatch(/^event “Event”: /);
  });

  it("reads several calendars in one file, a folded line and escapes", () => {
    const long =
      "SUMMARY:Lunch\\, with a very long title that is folded as the standard asks\r\n  for";
    const text =
      icsOf(
        "X-WR-CALNAME:First",
        ["BEGIN:VEVENT", "UID:2", "DTSTART:20260302T120000Z", long, "END:VEVENT"].join("\r\n"),
      ) + icsOf(sound);
    const calendar = parseIcs("two.ics", text);
    expect(calendar).toMatchObject({ name: "First", problems: [] });
    expect(calendar.events.map((event) => event.title)).toEqual([
      "Lunch, with a very long title that is folded as the standard asks for",
      "Event",
    ]);
  });

  it("falls back to the file's name", () => {
    expect(parseIcs("work.ICS", icsOf(sound)).name).toBe("work");
  });
});

// Each of these occupies ical.js for minutes or for ever.
describe("rules that would never end", () => {
  it.each([
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=DAILY;INTERVAL=999999999",
    "FREQ=SECONDLY;BYSECOND=60",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
    "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
    "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7,8,9;COUNT=9999999",
  ])("%s is reported, and the other events stay", (rule) => {
    const ics = icsOf(
      // A Monday, so that no Tuesday is seven days away from it.
      vevent("DTSTART:20240101T100000Z", `RRULE:${rule}`),
      vevent("DTSTART:20260302T100000Z"),
    );
    const { events, problems } = dayOf(ics, "2026-03-02");
    expect(events).toHaveLength(1);
    expect(problems).toEqual([
      { file: "test.ics", reason: expect.stringContaining("RRULE") as string },
    ]);
  });
});
