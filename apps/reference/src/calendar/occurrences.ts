import { addDays, type CivilDate, civilDateOf, dayNumber } from "../civil-date.ts";
import {
  dayInterval,
  isoInZone,
  resolveWallTime,
  type TimeZone,
  type WallTime,
} from "../time-zone.ts";
import type { CalendarEvent, CalendarProblem, EventTime, ParsedCalendar } from "./event.ts";
import { instantOf } from "./event-time.ts";
import { dateOf, type ExpansionBudget, startsBetween } from "./recurrence.ts";

/** One event on one day, as a reader in one zone sees it. */
export interface Occurrence {
  readonly title: string;
  readonly calendar: string;
  readonly location?: string;
  readonly allDay: boolean;
  /** A date when `allDay`, else a time with its offset. */
  readonly start: string;
  /** Exclusive. */
  readonly end: string;
  /** It began on an earlier day. */
  readonly continued: boolean;
  /** False when it takes no time of its owner. */
  readonly busy: boolean;
}

/** An occurrence with its instants; an all-day one covers its days in the reader's zone. */
export interface PlacedOccurrence extends Occurrence {
  readonly startMs: number;
  readonly endMs: number;
}

// A wall clock is at most 14 hours ahead of UTC and 12 behind, so dates differ by two at most.
const ZONE_SLACK_DAYS = 2;
const MS_PER_DAY = 86_400_000;
/** An event may last longer than there are dates. */
const MIN_DAY = dayNumber("0000-01-01") as number;

/** What of a calendar falls on a date, sorted: all-day first, then by start and title. */
export function occurrencesOn(
  calendar: ParsedCalendar,
  date: CivilDate,
  zone: TimeZone,
  budget: ExpansionBudget,
): { occurrences: PlacedOccurrence[]; problems: CalendarProblem[] } {
  const floating = (wall: WallTime) => resolveWallTime(wall, zone).epochMs;
  const day = dayInterval(date, zone);
  const occurrences: PlacedOccurrence[] = [];
  const problems: CalendarProblem[] = [];
  const replaced = replacedStarts(calendar.events, floating);

  for (const event of calendar.events) {
    if (event.cancelled) continue;
    try {
      const excluded = new Set(event.excludedStarts.map((time) => exclusionKey(time, floating)));
      for (const start of candidateStarts(event, date, budget)) {
        const keys = startKeys(start, floating);
        if (keys.some((key) => excluded.has(key))) continue;
        const isMaster = event.recurrenceId === undefined;
        if (isMaster && keys.some((key) => replaced.has(`${event.uid} ${key}`))) continue;
        const placed = place(event, start, calendar.name, zone, floating);
        const instantaneous = placed.startMs === placed.endMs;
        const touches =
          placed.startMs < day.endMs &&
          (placed.endMs > day.startMs || (instantaneous && placed.startMs === day.startMs));
        if (touches) occurrences.push({ ...placed, continued: placed.startMs < day.startMs });
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({
        file: calendar.file,
        reason: `event “${event.title.slice(0, 80)}”: ${message}`,
      });
    }
  }
  return { occurrences, problems };
}

/** All-day first, then by start, then by title, so that equal input gives equal output. */
export function byTime(a: PlacedOccurrence, b: PlacedOccurrence): number {
  if (a.allDay !== b.allDay) return a.allDay ? -1 : 1;
  return a.startMs - b.startMs || (a.title < b.title ? -1 : a.title > b.title ? 1 : 0);
}

function candidateStarts(
  event: CalendarEvent,
  date: CivilDate,
  budget: ExpansionBudget,
): readonly EventTime[] {
  const { days, ms } = event.length;
  const earliest =
    (dayNumber(date) as number) - days - Math.ceil(ms / MS_PER_DAY) - ZONE_SLACK_DAYS;
  const first = civilDateOf(Math.max(earliest, MIN_DAY));
  return startsBetween(event, first, addDays(date, ZONE_SLACK_DAYS), budget);
}

function place(
  event: CalendarEvent,
  start: EventTime,
  calendar: string,
  zone: TimeZone,
  floating: (wall: WallTime) => number,
): PlacedOccurrence {
  const shared = {
    title: event.title,
    calendar,
    ...(event.location !== undefined && { location: event.location }),
    continued: false,
    busy: !event.transparent,
  };
  if (start.kind === "date") {
    const end = addDays(start.date, event.length.days);
    return {
      ...shared,
      allDay: true,
      start: start.date,
      end,
      startMs: dayInterval(start.date, zone).startMs,
      endMs: dayInterval(end, zone).startMs,
    };
  }
  const startMs = instantOf(start, floating);
  const lastDay: EventTime & { kind: "time" } = {
    ...start,
    wall: { ...start.wall, date: addDays(start.wall.date, event.length.days) },
  };
  const endMs = instantOf(lastDay, floating) + event.length.ms;
  return {
    ...shared,
    allDay: false,
    start: isoInZone(startMs, zone),
    end: isoInZone(endMs, zone),
    startMs,
    endMs,
  };
}

/** The starts that a RECURRENCE-ID replaces, as `uid key`. */
function replacedStarts(
  events: readonly CalendarEvent[],
  floating: (wall: WallTime) => number,
): ReadonlySet<string> {
  const replaced = new Set<string>();
  for (const { uid, recurrenceId } of events) {
    if (recurrenceId !== undefined) replaced.add(`${uid} ${exclusionKey(recurrenceId, floating)}`);
  }
  return replaced;
}

/** An exclusion given as a date takes out whatever starts on it, as several programs write it. */
function exclusionKey(time: EventTime, floating: (wall: WallTime) => number): string {
  return time.kind === "date" ? time.date : String(instantOf(time, floating));
}

function startKeys(time: EventTime, floating: (wall: WallTime) => number): readonly string[] {
  return time.kind === "date" ? [time.date] : [dateOf(time), String(instantOf(time, floating))];
}
