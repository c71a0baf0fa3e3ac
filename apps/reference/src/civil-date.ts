/** A calendar date without a time zone, as `YYYY-MM-DD`. */
export type CivilDate = string;

const MS_PER_DAY = 86_400_000;
const PATTERN = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The day's distance from 1970-01-01, or undefined for anything but a real `YYYY-MM-DD` date. */
export function dayNumber(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(0);
  // setUTCFullYear, because Date.UTC reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real ? date.getTime() / MS_PER_DAY : undefined;
}

export function isCivilDate(text: string): boolean {
  return dayNumber(text) !== undefined;
}

/** @throws {RangeError} when the day lies outside the years 0000 to 9999. */
export function civilDateOf(day: number): CivilDate {
  const text = new Date(day * MS_PER_DAY).toISOString();
  if (text.length !== 24) throw new RangeError(`day ${day} lies outside the years 0000 to 9999`);
  return text.slice(0, 10);
}

/** @throws {RangeError} when `date` is not a real date, or the sum lies outside the years 0000 to 9999. */
export function addDays(date: CivilDate, days: number): CivilDate {
  const from = dayNumber(date);
  if (from === undefined) throw new RangeError(`${date} is not a YYYY-MM-DD date`);
  return civilDateOf(from + days);
}

const WEEKDAYS = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/** @throws {RangeError} when `date` is not a real date. */
export function weekdayOf(date: CivilDate): Weekday {
  const day = dayNumber(date);
  if (day === undefined) throw new RangeError(`${date} is not a YYYY-MM-DD date`);
  // 1970-01-01 was a Thursday, and the remainder of a negative number is negative.
  return WEEKDAYS[(((day + 4) % 7) + 7) % 7] as Weekday;
}
