import { describe, expect, it } from "vitest";
import { dayOf, icsOf, vevent } from "./calendar.test-support.ts";

const starts = (ics: string, date: string, timeZone?: string) => {
  const { events, problems } = dayOf(ics, date, timeZone);
  expect(problems).toEqual([]);
  return events.map((event) => event.start);
};

const berlinStandup = icsOf(
  vevent(
    "DTSTART;TZID=Europe/Berlin:20260105T091500",
    "DTEND;TZID=Europe/Berlin:20260105T093000",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
    "EXDATE;TZID=Europe/Berlin:20260107T091500",
  ),
);

describe("occurrences on a day", () => {
  it("keeps the wall clock of a recurring event across daylight saving", () => {
    expect(starts(berlinStandup, "2026-03-25", "Europe/Berlin")).toEqual([
      "2026-03-25T09:15:00+01:00",
    ]);
    expect(starts(berlinStandup, "2026-03-30", "Europe/Berlin")).toEqual([
      "2026-03-30T09:15:00+02:00",
    ]);
    expect(starts(berlinStandup, "2026-03-30", "America/New_York")).toEqual([
      "2026-03-30T03:15:00-04:00",
    ]);
  });

  it("leaves out excluded days and other weekdays", () => {
    expect(starts(berlinStandup, "2026-01-07", "Europe/Berlin")).toEqual([]);
    expect(starts(berlinStandup, "2026-01-06", "Europe/Berlin")).toEqual([]);
    expect(starts(berlinStandup, "2026-01-12", "Europe/Berlin")).toHaveLength(1);
  });

  it("moves an event to the reader's date", () => {
    const ics = icsOf(vevent("DTSTART:20260302T233000Z", "DTEND:20260303T003000Z"));
    expect(starts(ics, "2026-03-03", "Asia/Tokyo")).toEqual(["2026-03-03T08:30:00+09:00"]);
    expect(starts(ics, "2026-03-02", "Asia/Tokyo")).toEqual([]);
    expect(starts(ics, "2026-03-02", "America/Los_Angeles")).toEqual(["2026-03-02T15:30:00-08:00"]);
  });

  it("shows an event across midnight on both days", () => {
    const ics = icsOf(
      vevent(
        "DTSTART;TZID=Europe/Paris:20260612T221000",
        "DTEND;TZID=Europe/Berlin:20260613T073000",
      ),
    );
    const [first] = dayOf(ics, "2026-06-12", "Europe/Berlin").events;
    const [second] = dayOf(ics, "2026-06-13", "Europe/Berlin").events;
    expect(first).toMatchObject({
      start: "2026-06-12T22:10:00+02:00",
      end: "2026-06-13T07:30:00+02:00",
      continued: false,
    });
    expect(second).toMatchObject({ start: "2026-06-12T22:10:00+02:00", continued: true });
    expect(starts(ics, "2026-06-14", "Europe/Berlin")).toEqual([]);
  });

  it("does not show an event on the day whose first instant is its end", () => {
    const ics = icsOf(vevent("DTSTART:20260302T200000Z", "DTEND:20260303T000000Z"));
    expect(starts(ics, "2026-03-02")).toHaveLength(1);
    expect(starts(ics, "2026-03-03")).toEqual([]);
  });

  it("shows an event without duration where it starts, midnight included", () => {
    const ics = icsOf(vevent("DTSTART:20260303T000000Z"));
    expect(starts(ics, "2026-03-03")).toEqual(["2026-03-03T00:00:00+00:00"]);
    expect(starts(ics, "2026-03-02")).toEqual([]);
  });

  it("gives all-day events the same date in every zone, with an exclusive end", () => {
    const ics = icsOf(vevent("DTSTART;VALUE=DATE:20260608", "DTEND;VALUE=DATE:20260611"));
    for (const zone of ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
      const [event] = dayOf(ics, "2026-06-10", zone).events;
      expect(event).toMatchObject({
        allDay: true,
        start: "2026-06-08",
        end: "2026-06-11",
        continued: true,
      });
      expect(starts(ics, "2026-06-11", zone)).toEqual([]);
      expect(starts(ics, "2026-06-07", zone)).toEqual([]);
    }
  });

  it("repeats an all-day event yearly, leap days only where they are", () => {
    const birthday = icsOf(vevent("DTSTART;VALUE=DATE:20120301", "RRULE:FREQ=YEARLY"));
    expect(starts(birthday, "2026-03-01")).toEqual(["2026-03-01"]);
    const leap = icsOf(vevent("DTSTART;VALUE=DATE:20120229", "RRULE:FREQ=YEARLY"));
    expect(starts(leap, "2024-02-29")).toEqual(["2024-02-29"]);
    expect(starts(leap, "2026-03-01")).toEqual([]);
    expect(starts(leap, "2028-02-29")).toEqual(["2028-02-29"]);
    const twice = icsOf(vevent("DTSTART;VALUE=DATE:20120229", "RRULE:FREQ=YEARLY;COUNT=2"));
    expect(starts(twice, "2016-02-29")).toHaveLength(1);
    expect(starts(twice, "2020-02-29")).toEqual([]);
  });

  it("reads a floating time where the reader is", () => {
    const ics = icsOf(
      vevent("DTSTART:20120107T080000", "DTEND:20120107T090000", "RRULE:FREQ=WEEKLY;BYDAY=SA"),
    );
    expect(starts(ics, "2026-03-07", "Asia/Kolkata")).toEqual(["2026-03-07T08:00:00+05:30"]);
    expect(starts(ics, "2026-03-07", "UTC")).toEqual(["2026-03-07T08:00:00+00:00"]);
  });

  it("ends with COUNT and with UNTIL, the last one included", () => {
    const counted = icsOf(vevent("DTSTART:20260302T100000Z", "RRULE:FREQ=DAILY;COUNT=3"));
    expect(starts(counted, "2026-03-04")).toHaveLength(1);
    expect(starts(counted, "2026-03-05")).toEqual([]);
    // 09:00 in Berlin is 07:00Z in summer: the day of UNTIL itself still takes place.
    const until = icsOf(
      vevent(
        "DTSTART;TZID=Europe/Berlin:20260302T090000",
        "RRULE:FREQ=WEEKLY;UNTIL=20260601T070000Z",
      ),
    );
    expect(starts(until, "2026-06-01", "Europe/Berlin")).toHaveLength(1);
    expect(starts(until, "2026-06-08", "Europe/Berlin")).toEqual([]);
    const untilDate = icsOf(
      vevent("DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=DAILY;UNTIL=20260304"),
    );
    expect(starts(untilDate, "2026-03-04")).toHaveLength(1);
    expect(starts(untilDate, "2026-03-05")).toEqual([]);
  });

  it("finds far occurrences of every second week in the right week", () => {
    const ics = icsOf(
      vevent("DTSTART:20120110T140000Z", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR"),
    );
    // 2026-03-03 is 738 weeks after the start, an even number.
    expect(starts(ics, "2026-03-03")).toHaveLength(1);
    expect(starts(ics, "2026-03-06")).toHaveLength(1);
    expect(starts(ics, "2026-03-10")).toEqual([]);
    expect(starts(ics, "2026-03-13")).toEqual([]);
  });

  it("knows the second Tuesday, the last Friday, and months without a 31st", () => {
    const secondTuesday = icsOf(vevent("DTSTART:20120110T220000Z", "RRULE:FREQ=MONTHLY;BYDAY=2TU"));
    expect(starts(secondTuesday, "2026-03-10")).toHaveLength(1);
    expect(starts(secondTuesday, "2026-03-17")).toEqual([]);
    const lastFriday = icsOf(vevent("DTSTART:20120127T150000Z", "RRULE:FREQ=MONTHLY;BYDAY=-1FR"));
    expect(starts(lastFriday, "2026-02-27")).toHaveLength(1);
    expect(starts(lastFriday, "2026-02-20")).toEqual([]);
    const ultimo = icsOf(vevent("DTSTART:20260131T100000Z", "RRULE:FREQ=MONTHLY"));
    expect(
      ["2026-02-28", "2026-03-01", "2026-03-03", "2026-03-31"].map(
        (date) => starts(ultimo, date).length,
      ),
    ).toEqual([0, 0, 0, 1]);
    const quarter = icsOf(vevent("DTSTART:20111130T100000Z", "RRULE:FREQ=MONTHLY;INTERVAL=3"));
    expect(
      ["2026-02-28", "2026-03-02", "2026-04-30", "2026-05-30"].map(
        (date) => starts(quarter, date).length,
      ),
    ).toEqual([0, 0, 0, 1]);
  });

  it("puts a moved occurrence in its new place only, and drops a cancelled one", () => {
    const ics = icsOf(
      vevent("DTSTART:20260302T100000Z", "DTEND:20260302T110000Z", "RRULE:FREQ=DAILY"),
      vevent(
        "RECURRENCE-ID:20260304T100000Z",
        "DTSTART:20260306T150000Z",
        "DTEND:20260306T160000Z",
      ),
      vevent("RECURRENCE-ID:20260305T100000Z", "DTSTART:20260305T100000Z", "STATUS:CANCELLED"),
    );
    expect(starts(ics, "2026-03-04")).toEqual([]);
    expect(starts(ics, "2026-03-05")).toEqual([]);
    expect(starts(ics, "2026-03-06")).toEqual([
      "2026-03-06T10:00:00+00:00",
      "2026-03-06T15:00:00+00:00",
    ]);
    expect(starts(ics, "2026-03-07")).toHaveLength(1);
  });

  it("adds RDATE once, and takes out a timed start by an EXDATE of its date", () => {
    const ics = icsOf(
      vevent(
        "DTSTART:20260302T100000Z",
        "RRULE:FREQ=WEEKLY",
        "RDATE:20260304T120000Z,20260309T100000Z",
        "EXDATE;VALUE=DATE:20260316",
      ),
    );
    expect(starts(ics, "2026-03-04")).toEqual(["2026-03-04T12:00:00+00:00"]);
    expect(starts(ics, "2026-03-09")).toHaveLength(1);
    expect(starts(ics, "2026-03-16")).toEqual([]);
  });

  it("follows the wall clock for days of a DURATION and the stopwatch for hours", () => {
    const night = (duration: string) =>
      dayOf(
        icsOf(vevent("DTSTART;TZID=Europe/Berlin:20260328T120000", `DURATION:${duration}`)),
        "2026-03-28",
        "Europe/Berlin",
      ).events[0]?.end;
    expect(night("P1D")).toBe("2026-03-29T12:00:00+02:00");
    expect(night("PT24H")).toBe("2026-03-29T13:00:00+02:00");
  });

  it("sorts all-day events first, then by time, then by title", () => {
    const event = (title: string, start: string) =>
      ["BEGIN:VEVENT", `UID:${title}`, `SUMMARY:${title}`, `DTSTART${start}`, "END:VEVENT"].join(
        "\r\n",
      );
    const ics = icsOf(
      event("late", ":20260302T180000Z"),
      event("b", ":20260302T080000Z"),
      event("a", ":20260302T080000Z"),
      event("day", ";VALUE=DATE:20260302"),
    );
    expect(dayOf(ics, "2026-03-02").events.map((each) => each.title)).toEqual([
      "day",
      "a",
      "b",
      "late",
    ]);
  });

  it("works far from the present, and with an event longer than there are dates", () => {
    const ics = icsOf(vevent("DTSTART:20260302T100000Z", "RRULE:FREQ=WEEKLY"));
    expect(starts(ics, "1900-01-01")).toEqual([]);
    expect(starts(ics, "2199-12-30")).toHaveLength(1);
    const endless = icsOf(vevent("DTSTART:20260302T100000Z", "DURATION:P9999999D"));
    expect(dayOf(endless, "2026-03-05").problems[0]?.reason).toMatch(/years 0000 to 9999/);
  });
});

const CUSTOM_ZONE = (rule: string) => [
  "BEGIN:VTIMEZONE",
  "TZID:Custom",
  "BEGIN:STANDARD",
  "DTSTART:16010101T020000",
  "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
  "TZOFFSETFROM:-0700",
  "TZOFFSETTO:-0800",
  "END:STANDARD",
  "BEGIN:DAYLIGHT",
  "DTSTART:16010101T020000",
  `RRULE:${rule}`,
  "TZOFFSETFROM:-0800",
  "TZOFFSETTO:-0700",
  "END:DAYLIGHT",
  "END:VTIMEZONE",
];

describe("time zones that the file defines", () => {
  const event = vevent("DTSTART;TZID=Custom:20260110T220000", "RRULE:FREQ=MONTHLY;BYMONTHDAY=10");

  it("are used when the name is not an IANA one", () => {
    const ics = icsOf(...CUSTOM_ZONE("FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"), event);
    expect(starts(ics, "2026-02-11")).toEqual(["2026-02-11T06:00:00+00:00"]);
    expect(starts(ics, "2026-07-11")).toEqual(["2026-07-11T05:00:00+00:00"]);
  });

  it("are refused when their rules would be expanded without end", () => {
    const { events, problems } = dayOf(
      icsOf(...CUSTOM_ZONE("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), event),
      "2026-02-11",
    );
    expect(events).toEqual([]);
    expect(problems[0]?.reason).toMatch(/time zone Custom is not a plain yearly one/);
  });

  it("are reported when nothing defines them", () => {
    const { problems } = dayOf(icsOf(event), "2026-02-11");
    expect(problems).toEqual([
      { file: "test.ics", reason: expect.stringContaining("Custom") as string },
    ]);
  });
});
