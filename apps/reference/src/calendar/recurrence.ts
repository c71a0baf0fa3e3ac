import ICAL from "ical.js";
import { addDays, type CivilDate, dayNumber, isCivilDate } from "../civil-date.ts";
import { pad, type WallTime, wallAsUtcMs } from "../time-zone.ts";
import type { CalendarEvent, EventTime } from "./event.ts";
import { instantOf, parseTime } from "./event-time.ts";

/** What expanding may still cost; shared by all events of one request. */
export interface ExpansionBudget {
  candidates: number;
}

/** Candidates that one request may look at: some 0.2 s of work in the worst case, and usually ten an event. */
export const DEFAULT_EXPANSION_BUDGET = 5_000;
/** Stepping over a year weighs more than stepping over a day. */
const YEAR_COST = 10;
const MAX_INTERVAL = 1_000;
const FLOATING = ICAL.Timezone.localTimezone;

/**
 * The wall-clock starts of an event whose date lies in [`first`, `last`], DTSTART and RDATE included,
 * EXDATE not yet taken out.
 * @throws {Error} for a rule that is not supported or too costly to expand.
 */
export function startsBetween(
  event: CalendarEvent,
  first: CivilDate,
  last: CivilDate,
  budget: ExpansionBudget,
): readonly EventTime[] {
  const within = (time: EventTime) => dateOf(time) >= first && dateOf(time) <= last;
  const starts = [event.start, ...event.extraStarts].filter(within);
  const seen = new Set(starts.map(keyOf));
  for (const rule of event.rules) {
    for (const start of expand(event.start, rule, first, last, budget)) {
      if (seen.has(keyOf(start)) || !within(start)) continue;
      seen.add(keyOf(start));
      starts.push(start);
    }
  }
  return starts;
}

export function dateOf(time: EventTime): CivilDate {
  return time.kind === "date" ? time.date : time.wall.date;
}

function keyOf(time: EventTime): string {
  if (time.kind === "date") return time.date;
  const { date, hour, minute, second } = time.wall;
  return `${date}T${hour}:${minute}:${second}`;
}

function* expand(
  start: EventTime,
  rule: ICAL.Recur,
  first: CivilDate,
  last: CivilDate,
  budget: ExpansionBudget,
): Generator<EventTime, void, undefined> {
  refuseUnsupported(rule);
  const isPastUntil = untilTest(start, rule);
  const isReal = overflowTest(start, rule);
  const bare = rule.clone();
  // UNTIL is compared here, by instant: ical.js would compare a UTC value with a wall clock. COUNT is
  // counted here, because ical.js also counts the 30th of February.
  bare.until = null;
  bare.count = null;
  const from = rule.count === null ? fastForward(start, rule, first) : dateOf(start);
  const iterator = boundedIterator(bare, toICALTime(start, from), budget);
  let left = rule.count ?? Number.POSITIVE_INFINITY;
  for (let next = iterator.next(); next !== null; next = iterator.next()) {
    if (next.year > 9999) return;
    const occurrence = fromICALTime(next, start);
    if (!isReal(next)) continue;
    if (dateOf(occurrence) > last || isPastUntil(occurrence) || left <= 0) return;
    left -= 1;
    yield occurrence;
  }
}

/** What ical.js expands without end or wrongly, and no calendar needs, is refused by name. */
function refuseUnsupported(rule: ICAL.Recur): void {
  if (rule.freq === "SECONDLY" || rule.freq === "MINUTELY" || rule.freq === "HOURLY") {
    throw new Error(`RRULE with FREQ=${rule.freq} is not supported`);
  }
  if (!(rule.interval >= 1 && rule.interval <= MAX_INTERVAL)) {
    throw new Error(`RRULE with INTERVAL=${rule.interval} is not supported`);
  }
  const { BYMONTH, BYMONTHDAY } = rule.parts;
  if (BYMONTH === undefined || BYMONTHDAY === undefined) return;
  const possible = BYMONTH.some((month) =>
    BYMONTHDAY.some(
      (day) => Math.abs(day) <= (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31),
    ),
  );
  if (!possible) throw new Error("RRULE names a day that its months do not have");
}

function untilTest(start: EventTime, rule: ICAL.Recur): (occurrence: EventTime) => boolean {
  if (rule.until === null) return () => false;
  const zone = start.kind === "time" ? start.zone : "floating";
  const until = parseTime("UNTIL", rule.until.toString(), zone);
  return (occurrence) => {
    if (until.kind === "date" || occurrence.kind === "date")
      return dateOf(occurrence) > dateOf(until);
    // A floating event with a UTC UNTIL has no right answer; it is read as UTC.
    return instantOf(occurrence, wallAsUtcMs) > instantOf(until, wallAsUtcMs);
  };
}

/**
 * ical.js lets a day that a month does not have run over into the next month; the standard says that
 * it is left out (RFC 5545 section 3.3.10).
 */
function overflowTest(start: EventTime, rule: ICAL.Recur): (occurrence: ICAL.Time) => boolean {
  const { BYMONTH, BYMONTHDAY, BYDAY, BYYEARDAY, BYWEEKNO } = rule.parts;
  const yearly = rule.freq === "YEARLY";
  const plain =
    BYMONTHDAY === undefined &&
    BYDAY === undefined &&
    BYYEARDAY === undefined &&
    BYWEEKNO === undefined;
  const byStart = plain && (yearly || rule.freq === "MONTHLY");
  const [, startMonth, startDay] = splitDate(dateOf(start));
  const days = BYMONTHDAY ?? (byStart ? [startDay] : undefined);
  const months = BYMONTH ?? (byStart && yearly ? [startMonth] : undefined);
  return ({ year, month, day }) => {
    const fromEnd = day - ICAL.Time.daysInMonth(month, year) - 1;
    return (
      (months === undefined || months.includes(month)) &&
      (days === undefined || days.includes(day) || days.includes(fromEnd))
    );
  };
}

/**
 * A later start of the same phase, so that a daily meeting of ten years is not walked day by day. One
 * stride short of `first`, because the period that holds `first` may have begun before it.
 */
function fastForward(start: EventTime, rule: ICAL.Recur, first: CivilDate): CivilDate {
  const from = dateOf(start);
  if (first <= from) return from;
  const { freq, interval } = rule;
  if (freq === "DAILY" || freq === "WEEKLY") {
    const stride = interval * (freq === "DAILY" ? 1 : 7);
    const ahead = (dayNumber(first) as number) - (dayNumber(from) as number);
    return addDays(from, Math.max(0, Math.floor(ahead / stride) - 1) * stride);
  }
  const stride = interval * (freq === "MONTHLY" ? 1 : 12);
  const [fromYear, fromMonth, day] = splitDate(from);
  const [year, month] = splitDate(first);
  const ahead = (year - fromYear) * 12 + (month - fromMonth);
  // Further back until the month has the day: on the 31st, or on a 29th of February.
  for (let steps = Math.floor(ahead / stride) - 1; steps > 0; steps -= 1) {
    const months = fromYear * 12 + (fromMonth - 1) + steps * stride;
    const [targetYear, targetMonth] = [Math.floor(months / 12), (months % 12) + 1];
    const date = `${String(targetYear).padStart(4, "0")}-${pad(targetMonth)}-${pad(day)}`;
    if (isCivilDate(date)) return date;
  }
  return from;
}

function splitDate(date: CivilDate): [year: number, month: number, day: number] {
  return date.split("-").map(Number) as [number, number, number];
}

/** Floating on purpose: rules are applied to the wall clock, zones come afterwards. */
function toICALTime(start: EventTime, date: CivilDate): ICAL.Time {
  const [year, month, day] = splitDate(date);
  if (start.kind === "date") return new ICAL.Time({ year, month, day, isDate: true }, FLOATING);
  const { hour, minute, second } = start.wall;
  return new ICAL.Time({ year, month, day, hour, minute, second, isDate: false }, FLOATING);
}

function fromICALTime(time: ICAL.Time, start: EventTime): EventTime {
  const date = time.toString().slice(0, 10);
  if (start.kind === "date") return { kind: "date", date };
  const wall: WallTime = { date, hour: time.hour, minute: time.minute, second: time.second };
  return { kind: "time", wall, zone: start.zone };
}

/**
 * The iterator of ical.js searches without end for an occurrence that its rule can never have
 * (FREQ=DAILY;INTERVAL=7;BYDAY=TU from a Monday on). Each candidate it looks at is counted here.
 * The class closes over the budget because the base constructor already calls its methods.
 */
function boundedIterator(
  rule: ICAL.Recur,
  dtstart: ICAL.Time,
  budget: ExpansionBudget,
): ICAL.RecurIterator {
  const spend = (cost: number): void => {
    budget.candidates -= cost;
    if (budget.candidates < 0) throw new Error("RRULE takes too long to expand");
  };
  class BoundedIterator extends ICAL.RecurIterator {
    override check_contracting_rules(): boolean {
      spend(1);
      return super.check_contracting_rules();
    }
    override expand_year_days(year: number): number {
      spend(YEAR_COST);
      return super.expand_year_days(year);
    }
  }
  return new BoundedIterator({ rule, dtstart });
}
