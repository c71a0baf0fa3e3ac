import { type CivilDate, dayNumber } from "../civil-date.ts";

const RADIANS = Math.PI / 180;
/** Sunrise is when the upper edge of the sun, lifted by refraction, meets the horizon. */
const SUNRISE_ALTITUDE = -0.833;

/**
 * Hours between sunrise and sunset, to about ten minutes, from the sun's declination by Cooper's formula
 * (Solar Energy 12, 1969). 0 in the polar night, 24 under the midnight sun.
 * @param latitude degrees, −90 to 90, south negative.
 * @throws {RangeError} for anything else, or a date that does not exist.
 */
export function dayLengthHours(latitude: number, date: CivilDate): number {
  const day = dayNumber(date);
  if (day === undefined) throw new RangeError(`${date} is not a YYYY-MM-DD date`);
  if (!(latitude >= -90 && latitude <= 90)) throw new RangeError("latitude must be −90 to 90");
  const dayOfYear = day - (dayNumber(`${date.slice(0, 4)}-01-01`) as number) + 1;
  const declination = 23.45 * RADIANS * Math.sin((2 * Math.PI * (284 + dayOfYear)) / 365);
  const phi = latitude * RADIANS;
  const cosine =
    (Math.sin(SUNRISE_ALTITUDE * RADIANS) - Math.sin(phi) * Math.sin(declination)) /
    (Math.cos(phi) * Math.cos(declination));
  const hours = (24 / Math.PI) * Math.acos(Math.min(1, Math.max(-1, cosine)));
  return Math.round(hours * 10) / 10;
}
