import { resolveTimeZone } from "../time-zone.ts";
import type { CalendarProblem } from "./event.ts";
import { byTime, type Occurrence, occurrencesOn } from "./occurrences.ts";
import { parseIcs } from "./parse-ics.ts";
import { DEFAULT_EXPANSION_BUDGET } from "./recurrence.ts";

/** Wraps lines of VEVENTs (and VTIMEZONEs) into a file, for tests. */
export function icsOf(...lines: readonly string[]): string {
  const all = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", ...lines, "END:VCALENDAR"];
  return `${all.join("\r\n")}\r\n`;
}

export function vevent(...lines: readonly string[]): string {
  return ["BEGIN:VEVENT", "UID:1", "SUMMARY:Event", ...lines, "END:VEVENT"].join("\r\n");
}

/** What a file has on one day, for tests. */
export function dayOf(
  ics: string,
  date: string,
  timeZone = "UTC",
): { events: readonly Occurrence[]; problems: readonly CalendarProblem[] } {
  const calendar = parseIcs("test.ics", ics);
  const zone = resolveTimeZone(timeZone);
  if (zone === undefined) throw new Error(`unknown zone ${timeZone}`);
  const budget = { candidates: DEFAULT_EXPANSION_BUDGET };
  const { occurrences, problems } = occurrencesOn(calendar, date, zone, budget);
  return { events: occurrences.sort(byTime), problems: [...calendar.problems, ...problems] };
}
