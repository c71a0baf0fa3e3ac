import { type CivilDate, isCivilDate, type Weekday, weekdayOf } from "../civil-date.ts";
import { type Conflict, invalidInput, quote } from "../errors.ts";
import { isoInZone, resolveTimeZone, type TimeZone, wallTimeAt } from "../time-zone.ts";
import type { CalendarProblem, ParsedCalendar } from "./event.ts";
import type { Holiday, Holidays } from "./holidays.ts";
import { byTime, type Occurrence, occurrencesOn, type PlacedOccurrence } from "./occurrences.ts";
import { DEFAULT_EXPANSION_BUDGET } from "./recurrence.ts";

export interface CalendarQuery {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** An IANA name; the service's default when left out. */
  readonly timeZone?: string | undefined;
  /** ISO 3166-1 alpha-2; without it no holidays are looked up. */
  readonly country?: string | undefined;
}

export interface CalendarDay {
  readonly date: CivilDate;
  readonly weekday: Weekday;
  readonly timeZone: string;
  readonly events: readonly Occurrence[];
  /** Present when a country was asked for. */
  readonly holidays?: readonly Holiday[];
  /** Files and events that could not be read: the answer is incomplete by these. */
  readonly problems: readonly CalendarProblem[];
}

export interface CalendarService {
  /** @throws {ToolExecutionError} −1001 for a bad argument, −2002 when a source cannot be read. */
  getCalendar(query: CalendarQuery): Promise<CalendarDay>;
  /** The busy events that overlap an interval. All-day events do not count: most are notes. */
  conflictsWith(startMs: number, endMs: number, zone: TimeZone): Promise<readonly Conflict[]>;
  /** @throws {ToolExecutionError} −1001 for anything but an IANA name. */
  zoneOf(timeZone: string | undefined): TimeZone;
}

/** Where events come from. */
export interface CalendarSource {
  /**
   * @param date a source may leave out what neither touches this day nor the days beside it.
   * @throws {ToolExecutionError} −2002 when it cannot be read.
   */
  read(date: CivilDate): Promise<readonly ParsedCalendar[]>;
}

export interface CalendarServiceOptions {
  readonly sources: readonly CalendarSource[];
  readonly holidays: Holidays;
  /** IANA name for queries without one. */
  readonly defaultTimeZone: string;
}

/** @throws {Error} when the default time zone is none. */
export function createCalendarService(options: CalendarServiceOptions): CalendarService {
  const { sources, holidays } = options;
  const defaultZone = resolveTimeZone(options.defaultTimeZone);
  if (defaultZone === undefined) {
    throw new Error(`${options.defaultTimeZone} is not an IANA time zone`);
  }

  const zoneOf = (timeZone: string | undefined): TimeZone => {
    const zone = timeZone === undefined ? defaultZone : resolveTimeZone(timeZone);
    if (zone !== undefined) return zone;
    const reason = `${quote(timeZone ?? "")} is not an IANA time zone, such as Europe/Berlin.`;
    throw invalidInput("timeZone", timeZone, reason);
  };

  async function collect(
    date: CivilDate,
    zone: TimeZone,
  ): Promise<{ occurrences: PlacedOccurrence[]; problems: CalendarProblem[] }> {
    const budget = { candidates: DEFAULT_EXPANSION_BUDGET };
    const calendars = (await Promise.all(sources.map((source) => source.read(date)))).flat();
    const found = calendars.map((calendar) => occurrencesOn(calendar, date, zone, budget));
    return {
      occurrences: found.flatMap((each) => each.occurrences).sort(byTime),
      problems: [
        ...calendars.flatMap((calendar) => calendar.problems),
        ...found.flatMap((each) => each.problems),
      ],
    };
  }

  return {
    zoneOf,

    async getCalendar(query) {
      const date = requireDate(query.date);
      const zone = zoneOf(query.timeZone);
      const onDay = query.country === undefined ? undefined : holidays.on(date, query.country);
      const { occurrences, problems } = await collect(date, zone);
      return {
        date,
        weekday: weekdayOf(date),
        timeZone: zone.name,
        events: occurrences.map(({ startMs: _start, endMs: _end, ...shown }) => shown),
        ...(onDay !== undefined && { holidays: onDay }),
        problems,
      };
    },

    async conflictsWith(startMs, endMs, zone) {
      const days = new Set([wallTimeAt(startMs, zone).date, wallTimeAt(endMs - 1, zone).date]);
      const conflicts = new Map<string, Conflict>();
      for (const date of days) {
        for (const event of (await collect(date, zone)).occurrences) {
          const overlaps = event.startMs < endMs && event.endMs > startMs;
          if (event.allDay || !event.busy || !overlaps) continue;
          const { title } = event;
          const [start, end] = [event.startMs, event.endMs].map((ms) => isoInZone(ms, zone)) as [
            string,
            string,
          ];
          // An event across midnight is found on both days.
          conflicts.set(`${event.calendar} ${start} ${end} ${title}`, { title, start, end });
        }
      }
      return [...conflicts.values()];
    },
  };
}

const FIRST_DATE = "1900-01-01";
const LAST_DATE = "2199-12-31";

/** A date that the calendar answers for. @throws {ToolExecutionError} −1001. */
export function requireDate(text: string): CivilDate {
  const date = text.trim();
  if (!isCivilDate(date)) {
    throw invalidInput("date", text, `${quote(text)} is not a date. Write YYYY-MM-DD.`);
  }
  if (date < FIRST_DATE || date > LAST_DATE) {
    const range = `The calendar answers from ${FIRST_DATE} to ${LAST_DATE}`;
    throw invalidInput("date", text, `${range}, not for ${date}.`);
  }
  return date;
}
