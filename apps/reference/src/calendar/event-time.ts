import type ICAL from "ical.js";
import { dayNumber } from "../civil-date.ts";
import { type WallTime, wallAsUtcMs } from "../time-zone.ts";
import type { EventLength, EventTime, EventZone } from "./event.ts";
import type { ZoneLookup } from "./event-zone.ts";

const DATE_TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2}):(\d{2})(Z?)$/;

/**
 * All values of a date or date-time property. They are read from the jCal form, because ical.js
 * turns the 40th of a 13th month into a day of the next year instead of refusing it.
 * @throws {Error} that says what is wrong, for people.
 */
export function readTimes(property: ICAL.Property, zoneOf: ZoneLookup): readonly EventTime[] {
  const [name, parameters, , ...values] = property.toJSON() as [
    string,
    Record<string, unknown>,
    string,
    ...unknown[],
  ];
  const label = name.toUpperCase();
  const { tzid } = parameters;
  return values.map((value) => {
    if (typeof value !== "string") throw new Error(`${label} with periods is not supported`);
    // A date and a UTC time have no use for the zone, so an unknown one does not matter there.
    const local = !value.endsWith("Z") && value.includes("T");
    return parseTime(label, value, local && typeof tzid === "string" ? zoneOf(tzid) : "floating");
  });
}

/** @param zone where a value without `Z` is meant. @throws {Error} for anything but a real date or time. */
export function parseTime(label: string, value: string, zone: EventZone): EventTime {
  if (dayNumber(value) !== undefined) return { kind: "date", date: value };
  const match = DATE_TIME.exec(value);
  const wall = match === null ? undefined : toWall(match);
  if (wall === undefined) throw new Error(`${label} ${value} is not a date or time`);
  return { kind: "time", wall, zone: match?.[5] === "Z" ? wallAsUtcMs : zone };
}

function toWall(match: RegExpExecArray): WallTime | undefined {
  const [date, hour, minute] = [match[1] as string, Number(match[2]), Number(match[3])];
  const valid = dayNumber(date) !== undefined && hour < 24 && minute < 60 && Number(match[4]) <= 60;
  // 60 is a leap second, which the clocks here do not have.
  return valid ? { date, hour, minute, second: Math.min(Number(match[4]), 59) } : undefined;
}

/** The instant of a time; a floating one is taken where the reader is. */
export function instantOf(
  time: EventTime & { kind: "time" },
  floating: (wall: WallTime) => number,
): number {
  return time.zone === "floating" ? floating(time.wall) : time.zone(time.wall);
}

/** @throws {Error} when the end lies before the start, or the two are of different kinds. */
export function readLength(
  start: EventTime,
  end: EventTime | undefined,
  duration: ICAL.Duration | undefined,
): EventLength {
  if (end !== undefined) return lengthBetween(start, end);
  if (duration === undefined) return { days: start.kind === "date" ? 1 : 0, ms: 0 };
  const days = duration.weeks * 7 + duration.days;
  const ms = ((duration.hours * 60 + duration.minutes) * 60 + duration.seconds) * 1000;
  if (duration.isNegative) throw new Error("DURATION is negative");
  if (start.kind === "date" && ms !== 0) throw new Error("DURATION of an all-day event has hours");
  return { days: start.kind === "date" ? Math.max(days, 1) : days, ms };
}

function lengthBetween(start: EventTime, end: EventTime): EventLength {
  if (start.kind !== end.kind) throw new Error("DTSTART and DTEND are not of the same kind");
  if (start.kind === "date" || end.kind === "date") {
    const [first, last] = [start, end].map((time) => dayNumber((time as { date: string }).date));
    const days = (last as number) - (first as number);
    if (days < 0) throw new Error("DTEND lies before DTSTART");
    // DTEND is exclusive, yet some programs write the same day for a one-day event.
    return { days: Math.max(days, 1), ms: 0 };
  }
  // When both float the difference is what counts, and UTC gives it without a gap.
  const ms = instantOf(end, wallAsUtcMs) - instantOf(start, wallAsUtcMs);
  if (ms < 0) throw new Error("DTEND lies before DTSTART");
  return { days: 0, ms };
}
