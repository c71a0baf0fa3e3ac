import type ICAL from "ical.js";
import type { CivilDate } from "../civil-date.ts";
import type { WallTime } from "../time-zone.ts";

/** A date, or a wall time in a zone. A floating time means whatever zone the reader is in (RFC 5545 3.3.5). */
export type EventTime =
  | { readonly kind: "date"; readonly date: CivilDate }
  | { readonly kind: "time"; readonly wall: WallTime; readonly zone: EventZone };

export type EventZone = "floating" | ((wall: WallTime) => number);

/** How long an event lasts. Days follow the wall clock, the rest is exact (RFC 5545 3.3.6). */
export interface EventLength {
  readonly days: number;
  readonly ms: number;
}

/** One VEVENT, with what its occurrences are made of. */
export interface CalendarEvent {
  readonly uid: string;
  readonly title: string;
  readonly location: string | undefined;
  readonly start: EventTime;
  readonly length: EventLength;
  readonly rules: readonly ICAL.Recur[];
  readonly extraStarts: readonly EventTime[];
  readonly excludedStarts: readonly EventTime[];
  /** Set on a VEVENT that replaces one occurrence of the event with the same uid. */
  readonly recurrenceId: EventTime | undefined;
  readonly cancelled: boolean;
  /** True when it takes no time of its owner (TRANSP:TRANSPARENT). */
  readonly transparent: boolean;
}

/** Why a file, or an event in it, is not in the answer. */
export interface CalendarProblem {
  readonly file: string;
  readonly reason: string;
}

export interface ParsedCalendar {
  readonly file: string;
  /** `X-WR-CALNAME`, or the file's name. */
  readonly name: string;
  readonly events: readonly CalendarEvent[];
  readonly problems: readonly CalendarProblem[];
}
