import { type Conflict, conflict, invalidInput, quote } from "../errors.ts";
import { isoInZone, resolveWallTime } from "../time-zone.ts";
import { type CalendarService, requireDate } from "./calendar-service.ts";

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
   * Writes the event. Processes that share the place where bookings are kept lose none of each other's, and
   * see each other's conflicts.
   * @param allowConflicts books although others are there. False by default.
   * @throws {ToolExecutionError} −1001, −1002 when the slot is taken, −2002 when it cannot be written.
   */
  bookEvent(request: BookingRequest, options?: { allowConflicts?: boolean }): Promise<Booking>;
}

const MAX_TITLE_LENGTH = 200;
const MAX_DURATION_MINUTES = 1_440;

/** Checks a request without any effect. @throws {ToolExecutionError} −1001 that names the argument. */
export function planBooking(request: BookingRequest, calendar: CalendarService): BookingPlan {
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

/** The busy events that stand in the way. */
export function conflictsOf(
  plan: BookingPlan,
  calendar: CalendarService,
): Promise<readonly Conflict[]> {
  return calendar.conflictsWith(plan.startMs, plan.endMs, calendar.zoneOf(plan.timeZone));
}

/** @throws {ToolExecutionError} −1002 when something stands in the way. */
export function refuseConflicts(plan: BookingPlan, taken: readonly Conflict[]): void {
  if (taken.length === 0) return;
  const titles = taken.map((each) => quote(each.title)).join(", ");
  throw conflict(`${plan.start} to ${plan.end} is taken by ${titles}.`, taken);
}

/** What was planned, as it was written. */
export function bookedAs(uid: string, { title, start, end, timeZone }: BookingPlan): Booking {
  return { uid, title, start, end, timeZone };
}
