import ICAL from "ical.js";
import { resolveTimeZone, resolveWallTime, wallAsUtcMs } from "../time-zone.ts";
import type { EventZone } from "./event.ts";

/** Finds the zone that a TZID means in one file. @throws {Error} when nothing defines it. */
export type ZoneLookup = (tzid: string) => EventZone;

const MAX_OBSERVANCES = 200;
const FLOATING = ICAL.Timezone.localTimezone;
const PLAIN_RULE_PARTS: ReadonlySet<string> = new Set(["BYMONTH", "BYDAY", "BYMONTHDAY"]);

/**
 * IANA names first, then the file's own VTIMEZONE: what calendar programs write under an IANA name
 * is often an excerpt of a few years.
 */
export function zoneLookup(calendar: ICAL.Component): ZoneLookup {
  const found = new Map<string, EventZone>();
  return (tzid) => {
    const known = found.get(tzid);
    if (known !== undefined) return known;
    const zone = ianaZone(tzid) ?? definedZone(calendar, tzid);
    found.set(tzid, zone);
    return zone;
  };
}

function ianaZone(tzid: string): EventZone | undefined {
  const zone = resolveTimeZone(tzid);
  return zone && ((wall) => resolveWallTime(wall, zone).epochMs);
}

function definedZone(calendar: ICAL.Component, tzid: string): EventZone {
  const component = calendar
    .getAllSubcomponents("vtimezone")
    .find((candidate) => candidate.getFirstPropertyValue("tzid") === tzid);
  if (component === undefined) {
    throw new Error(`the time zone ${tzid} is neither an IANA name nor defined in the file`);
  }
  refuseUnboundedRules(component, tzid);
  const zone = new ICAL.Timezone({ component, tzid });
  return (wall) => {
    const [year, month, day] = wall.date.split("-").map(Number) as [number, number, number];
    const { hour, minute, second } = wall;
    const time = new ICAL.Time({ year, month, day, hour, minute, second, isDate: false }, FLOATING);
    return wallAsUtcMs(wall) - zone.utcOffset(time) * 1000;
  };
}

/**
 * ical.js expands the rules of a VTIMEZONE in one go and without a limit, so a file could occupy the
 * process for ever. Real zones change by yearly rules.
 */
function refuseUnboundedRules(zone: ICAL.Component, tzid: string): void {
  const observances = zone.getAllSubcomponents();
  const plain = observances
    .flatMap((observance) => observance.getAllProperties("rrule"))
    .map((property) => property.getFirstValue() as ICAL.Recur)
    .every(
      (rule) =>
        rule.freq === "YEARLY" &&
        rule.interval === 1 &&
        Object.keys(rule.parts).every((part) => PLAIN_RULE_PARTS.has(part)),
    );
  if (!plain || observances.length > MAX_OBSERVANCES) {
    throw new Error(`the file's definition of the time zone ${tzid} is not a plain yearly one`);
  }
}
