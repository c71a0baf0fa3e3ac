import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ICAL from "ical.js";
import { storageUnavailable } from "../errors.ts";
import {
  type BookingPlan,
  type Bookings,
  bookedAs,
  conflictsOf,
  planBooking,
  refuseConflicts,
} from "./booking-plan.ts";
import type { CalendarService } from "./calendar-service.ts";
import { withFileLock } from "./file-lock.ts";
import { DEFAULT_MAX_FILE_BYTES } from "./ics-folder.ts";

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

/** Bookings in a file, for one process or several on one file system, which take turns by a lock. */
export function createBookings(options: BookingsOptions): Bookings {
  const { folder, calendar } = options;
  const now = options.now ?? (() => new Date());
  const maxFileBytes = options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES;

  return {
    plan: (request) => planBooking(request, calendar),
    conflicts: (plan) => conflictsOf(plan, calendar),
    async bookEvent(request, { allowConflicts = false } = {}) {
      const plan = planBooking(request, calendar);
      await makeFolder(folder);
      return await withFileLock(join(folder, `${FILE}.lock`), LOCK_TIMEOUT_MS, async () => {
        if (!allowConflicts) refuseConflicts(plan, await conflictsOf(plan, calendar));
        const uid = `${randomUUID()}@backplane-reference`;
        await append(join(folder, FILE), toEvent(uid, plan, now()), maxFileBytes);
        return bookedAs(uid, plan);
      });
    },
  };
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
