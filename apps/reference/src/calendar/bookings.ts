import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ICAL from "ical.js";
import { type Conflict, conflict, invalidInput, quote, storageUnavailable } from "../errors.ts";
import { isoInZone, resolveWallTime } from "../time-zone.ts";
import { type CalendarService, requireDate } from "./calendar-service.ts";
import { withFileLock } from "./file-lock.ts";
import { DEFAULT_MAX_FILE_BYTES } from "./ics-folder.ts";

export interface BookingRequest {
  /** 1 to 200 characters, one line. */
  readonly title: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** `HH:MM`, 24 hours, in `timeZone`. */
  readonly startTime: string;
  /** 1 to 1,440, whole. */
  readonly durationMinutes: number;
  /** An IANA name; the calendar's default when left out. */
  readonly timeZone?: string | undefined;
}

/** A request that has been checked: what would be booked. */
export interface BookingPlan {
  readonly title: string;
  readonly start: string;
  readonly end: string;
  readonly timeZone: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Booking {
  readonly uid: string;
  readonly title: string;
  readonly start: string;
  readonly end: string;
  readonly timeZone: string;
}

export interface Bookings {
  /** Checks a request without any effect. @throws {ToolExecutionError} −1001 that names the argument. */
  plan(request: BookingRequest): BookingPlan;
  /** Busy events that the plan overlaps. @throws {ToolExecutionError} −2002. */
  conflicts(plan: BookingPlan): Promise<readonly Conflict[]>;
  /**
   * Writes the event. Two processes that share the folder take turns, so that neither loses a booking
   * of the other, and both see each other's conflicts.
   * @param allowConflicts books although others are there. False by default.
   * @throws {ToolExecutionError} −1001, −1002 when the slot is taken, −2002 when it cannot be written.
   */
  bookEvent(request: BookingRequest, options?: { allowConflicts?: boolean }): Promise<Booking>;
}

export interface BookingsOptions {
  /** Made on the first booking. Its `bookings.ics` belongs to this application. */
  readonly folder: string;
  readonly calendar: CalendarService;
  /** For DTSTAMP; the system clock by default. */
  readonly now?: () => Date;
  /** A file that would grow beyond it is not written; 1 MiB by default, the most that is read. */
  readonly maxFileBytes?: number;
}

const FILE = "bookings.ics";
const LOCK_TIMEOUT_MS = 5_000;
const MAX_TITLE_LENGTH = 200;
const MAX_DURATION_MINUTES = 1_440;

export function createBookings(options: BookingsOptions): Bookings {
  const { folder, calendar } = options;
  const now = options.now ?? (() => new Date());
  const maxFileBytes = options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES;

  const conflicts = (plan: BookingPlan) =>
    calendar.conflictsWith(plan.startMs, plan.endMs, calendar.zoneOf(plan.timeZone));

  return {
    plan: (request) => planBooking(request, calendar),
    conflicts,
    async bookEvent(request, { allowConflicts = false } = {}) {
      const plan = planBooking(request, calendar);
      await makeFolder(folder);
      return await withFileLock(join(folder, `${FILE}.lock`), LOCK_TIMEOUT_MS, async () => {
        const taken = allowConflicts ? [] : await conflicts(plan);
        if (taken.length > 0) {
          const titles = taken.map((each) => quote(each.title)).join(", ");
          throw conflict(`${plan.start} to ${plan.end} is taken by ${titles}.`, taken);
        }
        const uid = `${randomUUID()}@backplane-reference`;
        await append(join(folder, FILE), toEvent(uid, plan, now()), maxFileBytes);
        const { title, start, end, timeZone } = plan;
        return { uid, title, start, end, timeZone };
      });
    },
  };
}

function planBooking(request: BookingRequest, calendar: CalendarService): BookingPlan {
  const title = request.title.trim();
  if (title === "" || title.length > MAX_TITLE_LENGTH || /\p{Cc}/u.test(title)) {
    const rule = `The title must be one line of 1 to ${MAX_TITLE_LENGTH} characters.`;
    throw invalidInput("title", request.title, rule);
  }
  const { durationMinutes: minutes } = request;
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > MAX_DURATION_MINUTES) {
    const rule = `The duration must be 1 to ${MAX_DURATION_MINUTES} whole minutes.`;
    throw invalidInput("durationMinutes", minutes, rule);
  }
  const date = requireDate(request.date);
  const time = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(request.startTime.trim());
  if (time === null) {
    const reason = `${quote(request.startTime)} is not a time. Write HH:MM, 00:00 to 23:59.`;
    throw invalidInput("startTime", request.startTime, reason);
  }
  const zone = calendar.zoneOf(request.timeZone);
  const wall = { date, hour: Number(time[1]), minute: Number(time[2]), second: 0 };
  const { epochMs: startMs, exists } = resolveWallTime(wall, zone);
  if (!exists) {
    const reason = `${time[0]} does not occur on ${date} in ${zone.name}: the clocks are put forward.`;
    throw invalidInput("startTime", request.startTime, reason);
  }
  const endMs = startMs + minutes * 60_000;
  const [start, end] = [startMs, endMs].map((ms) => isoInZone(ms, zone)) as [string, string];
  return { title, start, end, timeZone: zone.name, startMs, endMs };
}

/** In UTC, which needs no VTIMEZONE beside it (RFC 5545 section 3.2.19). */
function toEvent(uid: string, plan: BookingPlan, stamp: Date): ICAL.Component {
  const event = new ICAL.Component("vevent");
  event.addPropertyWithValue("uid", uid);
  event.addPropertyWithValue("dtstamp", utcTime(stamp.getTime()));
  event.addPropertyWithValue("dtstart", utcTime(plan.startMs));
  event.addPropertyWithValue("dtend", utcTime(plan.endMs));
  event.addPropertyWithValue("summary", plan.title);
  return event;
}

function utcTime(epochMs: number): ICAL.Time {
  return ICAL.Time.fromJSDate(new Date(epochMs), true);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw storageUnavailable("The bookings folder cannot be written.", error);
  }
}

/** Writes beside the file and renames, so that a reader or a crash never meets half of it. */
async function append(path: string, event: ICAL.Component, maxFileBytes: number): Promise<void> {
  const bookings = await readBookings(path);
  bookings.addSubcomponent(event);
  const text = `${bookings.toString()}\r\n`;
  if (Buffer.byteLength(text) > maxFileBytes) {
    throw storageUnavailable(`The bookings file is full: it may have ${maxFileBytes} bytes.`);
  }
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageUnavailable("The booking cannot be written.", error);
  }
}

/** What cannot be read is never overwritten: it may hold somebody's bookings. */
async function readBookings(path: string): Promise<ICAL.Component> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return emptyCalendar();
    throw storageUnavailable("The bookings file cannot be read.", error);
  }
  try {
    const calendar = new ICAL.Component(ICAL.parse(text));
    if (calendar.name === "vcalendar") return calendar;
  } catch (error) {
    throw storageUnavailable("The bookings file is damaged; it is left as it is.", error);
  }
  throw storageUnavailable("The bookings file is damaged; it is left as it is.");
}

function emptyCalendar(): ICAL.Component {
  const calendar = new ICAL.Component("vcalendar");
  calendar.addPropertyWithValue("version", "2.0");
  calendar.addPropertyWithValue("prodid", "-//Backplane//Reference application//EN");
  calendar.addPropertyWithValue("x-wr-calname", "Bookings");
  return calendar;
}
