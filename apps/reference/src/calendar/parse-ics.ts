import ICAL from "ical.js";
import type { CalendarEvent, CalendarProblem, EventTime, ParsedCalendar } from "./event.ts";
import { readLength, readTimes } from "./event-time.ts";
import { type ZoneLookup, zoneLookup } from "./event-zone.ts";

/**
 * Reads one iCalendar file (RFC 5545). A file that cannot be read at all, and each event that cannot,
 * becomes a problem; what is sound stays. Never throws.
 */
export function parseIcs(file: string, text: string): ParsedCalendar {
  const events: CalendarEvent[] = [];
  const problems: CalendarProblem[] = [];
  const fallbackName = file.replace(/\.ics$/i, "");
  try {
    const calendars = readCalendars(text);
    for (const calendar of calendars) {
      const zoneOf = zoneLookup(calendar);
      for (const component of calendar.getAllSubcomponents("vevent")) {
        try {
          events.push(readEvent(component, zoneOf));
        } catch (error) {
          problems.push({ file, reason: `${labelOf(component)}: ${messageOf(error)}` });
        }
      }
    }
    return { file, name: nameOf(calendars) ?? fallbackName, events, problems };
  } catch (error) {
    const reason = `not a readable iCalendar file: ${messageOf(error)}`;
    return { file, name: fallbackName, events: [], problems: [{ file, reason }] };
  }
}

function readCalendars(text: string): readonly ICAL.Component[] {
  // One calendar comes back as itself, several as a list of them.
  const parsed = ICAL.parse(text) as unknown[];
  const roots = (typeof parsed[0] === "string" ? [parsed] : parsed) as unknown[][];
  const calendars = roots.filter((root) => root[0] === "vcalendar");
  if (calendars.length === 0) throw new Error("it holds no VCALENDAR");
  return calendars.map((root) => new ICAL.Component(root));
}

function readEvent(component: ICAL.Component, zoneOf: ZoneLookup): CalendarEvent {
  const startProperty = component.getFirstProperty("dtstart");
  if (startProperty === null) throw new Error("DTSTART is missing");
  const start = single(startProperty, zoneOf);
  const endProperty = component.getFirstProperty("dtend");
  const duration = component.getFirstPropertyValue("duration") as ICAL.Duration | null;
  const recurrenceId = component.getFirstProperty("recurrence-id");
  if (recurrenceId?.getFirstParameter("range") === "THISANDFUTURE") {
    throw new Error("RECURRENCE-ID with RANGE=THISANDFUTURE is not supported");
  }
  return {
    uid: textOf(component, "uid") ?? "",
    title: textOf(component, "summary") ?? "(no title)",
    location: textOf(component, "location"),
    start,
    length: readLength(
      start,
      endProperty ? single(endProperty, zoneOf) : undefined,
      duration ?? undefined,
    ),
    rules: component.getAllProperties("rrule").map((rule) => rule.getFirstValue() as ICAL.Recur),
    extraStarts: component.getAllProperties("rdate").flatMap((each) => readTimes(each, zoneOf)),
    excludedStarts: component.getAllProperties("exdate").flatMap((each) => readTimes(each, zoneOf)),
    recurrenceId: recurrenceId ? single(recurrenceId, zoneOf) : undefined,
    cancelled: textOf(component, "status")?.toUpperCase() === "CANCELLED",
    transparent: textOf(component, "transp")?.toUpperCase() === "TRANSPARENT",
  };
}

function single(property: ICAL.Property, zoneOf: ZoneLookup): EventTime {
  const [time] = readTimes(property, zoneOf);
  if (time === undefined) throw new Error(`${property.name.toUpperCase()} is empty`);
  return time;
}

function textOf(component: ICAL.Component, name: string): string | undefined {
  const value = component.getFirstPropertyValue(name);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function nameOf(calendars: readonly ICAL.Component[]): string | undefined {
  for (const calendar of calendars) {
    const name = textOf(calendar, "x-wr-calname");
    if (name !== undefined) return name;
  }
  return undefined;
}

function labelOf(component: ICAL.Component): string {
  const label = textOf(component, "summary") ?? textOf(component, "uid");
  return label === undefined ? "an event" : `event “${label.slice(0, 80)}”`;
}

function messageOf(error: unknown): string {
  // What the parser stumbled over says nothing to people.
  if (error instanceof TypeError) return "it is malformed";
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, 200);
}
