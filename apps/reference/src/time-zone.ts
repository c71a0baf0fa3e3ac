import { addDays, type CivilDate, dayNumber } from "./civil-date.ts";

/** What a clock on the wall shows; it becomes an instant only together with a zone. */
export interface WallTime {
  readonly date: CivilDate;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** An IANA time zone, resolved once. */
export interface TimeZone {
  /** As it is shown to people. */
  readonly name: string;
  /** Seconds east of UTC at that instant. */
  offsetSeconds(epochMs: number): number;
}

const MS_PER_DAY = 86_400_000;

// Keyed by the canonical name, of which there are a few hundred, and never by what a caller typed.
const zones = new Map<string, Intl.DateTimeFormat>();

/** Undefined for anything but an IANA name. Plain offsets are refused: only some Node versions know them. */
export function resolveTimeZone(name: string): TimeZone | undefined {
  const trimmed = name.trim();
  if (trimmed === "" || /^[+-]/.test(trimmed)) return undefined;
  const format = formatOf(trimmed);
  if (format === undefined) return undefined;
  const canonical = format.resolvedOptions().timeZone;
  const sameWord = canonical.toLowerCase() === trimmed.toLowerCase();
  return {
    // An alias such as Asia/Kolkata stays what the caller knows it by; only the case is repaired.
    name: sameWord ? canonical : trimmed,
    offsetSeconds: (epochMs) => offsetSeconds(format, epochMs),
  };
}

function formatOf(name: string): Intl.DateTimeFormat | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    const canonical = format.resolvedOptions().timeZone;
    const known = zones.get(canonical);
    if (known === undefined) zones.set(canonical, format);
    return known ?? format;
  } catch {
    return undefined;
  }
}

function offsetSeconds(format: Intl.DateTimeFormat, epochMs: number): number {
  const fields: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(epochMs)) fields[type] = value;
  const shown = Date.UTC(
    Number(fields["year"]),
    Number(fields["month"]) - 1,
    Number(fields["day"]),
    Number(fields["hour"]),
    Number(fields["minute"]),
    Number(fields["second"]),
  );
  return Math.round((shown - Math.floor(epochMs / 1000) * 1000) / 1000);
}

/** The same fields read as UTC. */
export function wallAsUtcMs(wall: WallTime): number {
  const day = dayNumber(wall.date);
  if (day === undefined) throw new RangeError(`${wall.date} is not a YYYY-MM-DD date`);
  return day * MS_PER_DAY + ((wall.hour * 60 + wall.minute) * 60 + wall.second) * 1000;
}

/** An instant, and whether the wall time really occurs (it does not inside a daylight-saving gap). */
export interface Resolved {
  readonly epochMs: number;
  readonly exists: boolean;
}

/**
 * A time that occurs twice means its first occurrence; one that does not occur is read with the
 * offset from before the gap (RFC 5545 section 3.3.5).
 */
export function resolveWallTime(wall: WallTime, zone: TimeZone): Resolved {
  const asUtc = wallAsUtcMs(wall);
  const [before, after] = [asUtc - MS_PER_DAY, asUtc + MS_PER_DAY].map((ms) =>
    zone.offsetSeconds(ms),
  ) as [number, number];
  for (const offset of [before, after]) {
    const epochMs = asUtc - offset * 1000;
    if (zone.offsetSeconds(epochMs) === offset) return { epochMs, exists: true };
  }
  return { epochMs: asUtc - before * 1000, exists: false };
}

export function wallTimeAt(epochMs: number, zone: TimeZone): WallTime {
  const shown = new Date(epochMs + zone.offsetSeconds(epochMs) * 1000);
  return {
    date: shown.toISOString().slice(0, 10),
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
  };
}

/** The half-open interval of instants that a date covers in a zone: 23, 24 or 25 hours. */
export interface DayInterval {
  readonly startMs: number;
  readonly endMs: number;
}

export function dayInterval(date: CivilDate, zone: TimeZone): DayInterval {
  const midnight = (day: CivilDate) =>
    resolveWallTime({ date: day, hour: 0, minute: 0, second: 0 }, zone).epochMs;
  return { startMs: midnight(date), endMs: midnight(addDays(date, 1)) };
}

/** `2026-03-02T09:00:00+01:00`: an instant as the zone's clocks show it. */
export function isoInZone(epochMs: number, zone: TimeZone): string {
  const offset = zone.offsetSeconds(epochMs);
  const { date, hour, minute, second } = wallTimeAt(epochMs, zone);
  const minutes = Math.round(Math.abs(offset) / 60);
  const sign = offset < 0 ? "-" : "+";
  return (
    `${date}T${pad(hour)}:${pad(minute)}:${pad(second)}` +
    `${sign}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`
  );
}

export function pad(value: number): string {
  return String(value).padStart(2, "0");
}
