import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codes } from "../errors.ts";
import type { Bookings } from "./booking-plan.ts";
import { createBookings } from "./bookings.ts";
import { icsOf, vevent } from "./calendar.test-support.ts";
import { type CalendarService, createCalendarService } from "./calendar-service.ts";
import { readHolidays } from "./holidays.ts";
import { createIcsFolder } from "./ics-folder.ts";

const holidays = readHolidays({ source: "none", firstYear: 2026, lastYear: 2026, countries: {} });
const lunch = { title: "Lunch", date: "2026-03-02", startTime: "12:00", durationMinutes: 60 };

let root: string;
let calendar: CalendarService;
let bookings: Bookings;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bookings-"));
  ({ calendar, bookings } = openBookings());
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const folder = () => join(root, "deep", "bookings");
const file = () => join(folder(), "bookings.ics");

/** What one process has; two of them share the folder only. */
function openBookings(maxFileBytes?: number) {
  const service = createCalendarService({
    sources: [createIcsFolder(root), createIcsFolder(folder(), { mayBeMissing: true })],
    holidays,
    defaultTimeZone: "Europe/Berlin",
  });
  const now = () => new Date("2026-02-01T10:00:00Z");
  return {
    calendar: service,
    bookings: createBookings({
      folder: folder(),
      calendar: service,
      now,
      ...(maxFileBytes && { maxFileBytes }),
    }),
  };
}

describe("booking", () => {
  it("writes an event that the calendar then shows", async () => {
    const booking = await bookings.bookEvent({ ...lunch, title: " Lunch, with; Ada\\Grace " });
    expect(booking).toEqual({
      uid: expect.stringMatching(/^[0-9a-f-]{36}@backplane-reference$/) as string,
      title: "Lunch, with; Ada\\Grace",
      start: "2026-03-02T12:00:00+01:00",
      end: "2026-03-02T13:00:00+01:00",
      timeZone: "Europe/Berlin",
    });
    const { events, problems } = await calendar.getCalendar({ date: "2026-03-02" });
    expect(events).toMatchObject([
      { title: booking.title, calendar: "Bookings", start: booking.start },
    ]);
    expect(problems).toEqual([]);
    const text = await readFile(file(), "utf8");
    expect(text).toContain("DTSTAMP:20260201T100000Z\r\n");
    expect(text).toContain("DTSTART:20260302T110000Z\r\n");
    expect(await readdir(folder())).toEqual(["bookings.ics"]);
  });

  it("appends, and keeps what it did not write", async () => {
    await bookings.bookEvent(lunch);
    const foreign = vevent("DTSTART:20260401T100000Z", "X-NOTE:kept");
    await writeFile(
      file(),
      (await readFile(file(), "utf8")).replace("END:VCALENDAR", `${foreign}\r\nEND:VCALENDAR`),
    );
    await bookings.bookEvent({ ...lunch, startTime: "14:00" });
    const text = await readFile(file(), "utf8");
    expect(text.match(/BEGIN:VEVENT/g)).toHaveLength(3);
    expect(text).toContain("X-NOTE:kept");
  });

  it("refuses a taken slot with −1002 and says by what", async () => {
    await bookings.bookEvent(lunch);
    await expect(
      bookings.bookEvent({ ...lunch, startTime: "12:30", title: "Call" }),
    ).rejects.toMatchObject({
      code: codes.conflict,
      message: expect.stringContaining("“Lunch”") as string,
      data: {
        conflicts: [
          { title: "Lunch", start: "2026-03-02T12:00:00+01:00", end: "2026-03-02T13:00:00+01:00" },
        ],
      },
    });
    const overlapping = await bookings.bookEvent(
      { ...lunch, title: "Call" },
      { allowConflicts: true },
    );
    expect(overlapping.title).toBe("Call");
  });

  it("allows neighbours, and ignores all-day, transparent and cancelled events", async () => {
    await writeFile(
      join(root, "work.ics"),
      icsOf(
        vevent("DTSTART;VALUE=DATE:20260302"),
        vevent("DTSTART:20260302T110000Z", "DTEND:20260302T120000Z", "TRANSP:TRANSPARENT"),
        vevent("DTSTART:20260302T110000Z", "DTEND:20260302T120000Z", "STATUS:CANCELLED"),
        vevent("DTSTART:20260302T100000Z", "DTEND:20260302T110000Z"),
        vevent("DTSTART:20260302T120000Z", "DTEND:20260302T130000Z"),
      ),
    );
    await expect(bookings.bookEvent(lunch)).resolves.toMatchObject({ title: "Lunch" });
  });

  it("sees a recurring conflict on the far side of midnight, once", async () => {
    await writeFile(
      join(root, "work.ics"),
      icsOf(
        vevent("DTSTART;TZID=Europe/Berlin:20250101T233000", "DURATION:PT2H", "RRULE:FREQ=DAILY"),
      ),
    );
    const night = { ...lunch, startTime: "23:00", durationMinutes: 180 };
    await expect(bookings.bookEvent(night)).rejects.toMatchObject({
      data: {
        conflicts: [{ start: "2026-03-02T23:30:00+01:00", end: "2026-03-03T01:30:00+01:00" }],
      },
    });
  });

  it.each([
    ["title", { title: "  " }],
    ["title", { title: "x".repeat(201) }],
    ["title", { title: "a\r\nATTACH:b" }],
    ["date", { date: "2026-02-29" }],
    ["startTime", { startTime: "24:00" }],
    ["startTime", { startTime: "9:00" }],
    ["durationMinutes", { durationMinutes: 0 }],
    ["durationMinutes", { durationMinutes: 1_441 }],
    ["durationMinutes", { durationMinutes: 1.5 }],
    ["timeZone", { timeZone: "Mars/Olympus" }],
  ])("refuses a bad %s: %j", async (field, change) => {
    await expect(bookings.bookEvent({ ...lunch, ...change })).rejects.toMatchObject({
      code: codes.invalidInput,
      data: { field },
    });
    await expect(readdir(folder())).rejects.toThrow();
  });

  it("refuses a time inside the spring gap", async () => {
    const gap = { ...lunch, date: "2026-03-29", startTime: "02:30" };
    await expect(bookings.bookEvent(gap)).rejects.toMatchObject({
      data: { field: "startTime" },
      message: expect.stringContaining("clocks are put forward") as string,
    });
  });

  it("lets exactly one of many at once have a slot, between processes too", async () => {
    const other = openBookings().bookings;
    const attempts = Array.from({ length: 8 }, (_, index) =>
      (index % 2 === 0 ? bookings : other).bookEvent({ ...lunch, title: `Lunch ${index}` }),
    );
    const results = await Promise.allSettled(attempts);
    expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ code: codes.conflict });
    }
  });

  it("loses none of many at once at different times", async () => {
    const other = openBookings().bookings;
    await Promise.all(
      Array.from({ length: 12 }, (_, hour) =>
        (hour % 2 === 0 ? bookings : other).bookEvent({
          ...lunch,
          startTime: `${String(hour).padStart(2, "0")}:00`,
        }),
      ),
    );
    expect((await calendar.getCalendar({ date: lunch.date })).events).toHaveLength(12);
  });

  it("takes over the lock of a process that died", async () => {
    await bookings.bookEvent(lunch);
    await writeFile(`${file()}.lock`, "");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${file()}.lock`, longAgo, longAgo);
    await bookings.bookEvent({ ...lunch, startTime: "15:00" });
    expect(await readdir(folder())).toEqual(["bookings.ics"]);
  });

  it("leaves a damaged file alone", async () => {
    await bookings.bookEvent(lunch);
    for (const damaged of ["BEGIN:VCALENDAR\r\nBEGIN:VEVENT", "BEGIN:VCARD\r\nEND:VCARD\r\n"]) {
      await writeFile(file(), damaged);
      await expect(bookings.bookEvent({ ...lunch, startTime: "15:00" })).rejects.toMatchObject({
        code: codes.storageUnavailable,
        message: expect.stringContaining("damaged") as string,
      });
      expect(await readFile(file(), "utf8")).toBe(damaged);
    }
    expect(await readdir(folder())).toEqual(["bookings.ics"]);
  });

  it("does not grow the file beyond what is read", async () => {
    const small = openBookings(600).bookings;
    await small.bookEvent(lunch);
    await expect(
      small.bookEvent({ ...lunch, startTime: "15:00", title: "x".repeat(200) }),
    ).rejects.toMatchObject({
      code: codes.storageUnavailable,
      message: expect.stringContaining("full") as string,
    });
    expect((await calendar.getCalendar({ date: lunch.date })).events).toHaveLength(1);
  });

  it("plans without writing", async () => {
    expect(bookings.plan(lunch)).toMatchObject({ start: "2026-03-02T12:00:00+01:00" });
    expect(await bookings.conflicts(bookings.plan(lunch))).toEqual([]);
    await expect(readdir(folder())).rejects.toThrow();
  });
});
