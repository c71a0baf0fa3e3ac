import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { CivilDate } from "../civil-date.ts";
import { storageUnavailable } from "../errors.ts";
import { type TimeZone, wallAsUtcMs, wallTimeAt } from "../time-zone.ts";
import {
  type Bookings,
  bookedAs,
  conflictsOf,
  planBooking,
  refuseConflicts,
} from "./booking-plan.ts";
import type { CalendarService, CalendarSource } from "./calendar-service.ts";
import type { CalendarEvent } from "./event.ts";

export const BOOKINGS_TABLE = "backplane_bookings";

/** Run once by every replica. The constraint keeps two replicas from giving away the same time. */
export const BOOKINGS_SCHEMA = `create table if not exists ${BOOKINGS_TABLE} (
  uid text primary key,
  title text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  time_zone text not null,
  may_overlap boolean not null,
  constraint ${BOOKINGS_TABLE}_apart
    exclude using gist (tstzrange(starts_at, ends_at) with &&) where (not may_overlap)
);
`;

/** The most bookings that are read around one day. */
const MAX_ROWS = 1_000;
const DAY_MS = 86_400_000;
/** Of PostgreSQL: a row that an exclusion constraint refuses. */
const EXCLUDED = "23P01";

interface Row {
  readonly uid: string;
  readonly title: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
}

/** The bookings in the database as a calendar. While it does not answer, the calendar says so. */
export function createDatabaseCalendar(pool: Pool): CalendarSource {
  const calendar = { file: "bookings", name: "Bookings" };
  return {
    async read(date) {
      try {
        const { rows } = await pool.query<Row>(
          `select uid, title, starts_at, ends_at from ${BOOKINGS_TABLE}
           where starts_at < $1 and ends_at > $2 order by starts_at limit ${MAX_ROWS}`,
          daysAround(date),
        );
        return [{ ...calendar, events: rows.map(toEvent), problems: [] }];
      } catch {
        const reason = "the database does not answer";
        return [{ ...calendar, events: [], problems: [{ file: calendar.file, reason }] }];
      }
    },
  };
}

/** Bookings in PostgreSQL, for any number of replicas. */
export function createDatabaseBookings(pool: Pool, calendar: CalendarService): Bookings {
  return {
    plan: (request) => planBooking(request, calendar),
    conflicts: (plan) => conflictsOf(plan, calendar),
    async bookEvent(request, { allowConflicts = false } = {}) {
      const plan = planBooking(request, calendar);
      if (!allowConflicts) refuseConflicts(plan, await conflictsOf(plan, calendar));
      const uid = `${randomUUID()}@backplane-reference`;
      try {
        await pool.query(
          `insert into ${BOOKINGS_TABLE} (uid, title, starts_at, ends_at, time_zone, may_overlap)
           values ($1, $2, $3, $4, $5, $6)`,
          [
            uid,
            plan.title,
            new Date(plan.startMs),
            new Date(plan.endMs),
            plan.timeZone,
            allowConflicts,
          ],
        );
      } catch (error) {
        // Somebody was quicker since the look above.
        if ((error as { code?: string }).code === EXCLUDED) {
          refuseConflicts(plan, await conflictsOf(plan, calendar));
        }
        throw storageUnavailable("The booking cannot be written.", error);
      }
      return bookedAs(uid, plan);
    },
  };
}

/** The day in whatever zone. */
function daysAround(date: CivilDate): [before: Date, after: Date] {
  const ms = wallAsUtcMs({ date, hour: 0, minute: 0, second: 0 });
  return [new Date(ms + 2 * DAY_MS), new Date(ms - DAY_MS)];
}

const UTC: TimeZone = { name: "UTC", offsetSeconds: () => 0 };

function toEvent({ uid, title, starts_at: start, ends_at: end }: Row): CalendarEvent {
  return {
    uid,
    title,
    location: undefined,
    start: { kind: "time", wall: wallTimeAt(start.getTime(), UTC), zone: wallAsUtcMs },
    length: { days: 0, ms: end.getTime() - start.getTime() },
    rules: [],
    extraStarts: [],
    excludedStarts: [],
    recurrenceId: undefined,
    cancelled: false,
    transparent: false,
  };
}
