import { type CivilDate, isCivilDate } from "../civil-date.ts";
import { invalidInput, quote } from "../errors.ts";
import type { Observation } from "./csv.ts";
import { UNITS, type WeatherReport, type WeatherSource } from "./weather-source.ts";

/** The first and the last recorded day of a location. */
export interface RecordedRange {
  readonly first: CivilDate;
  readonly last: CivilDate;
}

/** The recorded observations, indexed once. */
export interface RecordedWeather extends WeatherSource {
  /** In alphabetical order. */
  readonly locations: readonly string[];
  /** @throws {ToolExecutionError} −1001, listing the known locations. */
  rangeOf(location: string): RecordedRange;
  /** All days of one location, oldest first. @throws {ToolExecutionError} −1001. */
  observationsOf(location: string): readonly Observation[];
}

interface Place {
  readonly days: readonly Observation[];
  readonly byDate: ReadonlyMap<CivilDate, Observation>;
  readonly range: RecordedRange;
}

/** @throws {Error} when there is no observation at all. */
export function createRecordedWeather(observations: readonly Observation[]): RecordedWeather {
  const places = indexByPlace(observations);
  const locations = [...places.values()].map(nameOf).sort();
  if (locations.length === 0) throw new Error("weather data: there are no observations");

  const placeOf = (location: string): Place => {
    const place = places.get(keyOf(location));
    if (place !== undefined) return place;
    throw invalidInput(
      "location",
      location,
      `Unknown location ${quote(location)}. Known locations: ${locations.join(", ")}.`,
      locations,
    );
  };

  const source = "NOAA daily observations, from the vega-datasets weather.csv";

  return {
    description: `${source}: ${locations.join(", ")}`,
    locations,
    rangeOf: (location) => placeOf(location).range,
    observationsOf: (location) => placeOf(location).days,
    async getWeather({ location, date }) {
      const place = placeOf(location);
      const wanted = date?.trim() ?? place.range.last;
      return toReport(observationOn(place, wanted), source);
    },
    async close() {},
  };
}

function indexByPlace(observations: readonly Observation[]): Map<string, Place> {
  const grouped = new Map<string, Observation[]>();
  for (const observation of observations) {
    const key = keyOf(observation.location);
    const days = grouped.get(key);
    if (days === undefined) grouped.set(key, [observation]);
    else days.push(observation);
  }
  const places = new Map<string, Place>();
  for (const [key, days] of grouped) {
    days.sort((a, b) => (a.date < b.date ? -1 : 1));
    const [first, last] = [days[0] as Observation, days.at(-1) as Observation];
    places.set(key, {
      days,
      byDate: new Map(days.map((day) => [day.date, day])),
      range: { first: first.date, last: last.date },
    });
  }
  return places;
}

function observationOn(place: Place, date: string): Observation {
  const found = place.byDate.get(date);
  if (found !== undefined) return found;
  const { first, last } = place.range;
  const recorded = `${nameOf(place)} is recorded from ${first} to ${last}`;
  const reason = isCivilDate(date)
    ? `No observation on ${date}: ${recorded}.`
    : `${quote(date)} is not a date. Write YYYY-MM-DD; ${recorded}.`;
  throw invalidInput("date", date, reason);
}

function toReport(day: Observation, source: string): WeatherReport {
  return {
    location: day.location,
    observedOn: day.date,
    kind: "observed",
    condition: day.condition,
    temperatureMax: day.temperatureMax,
    temperatureMin: day.temperatureMin,
    precipitation: day.precipitation,
    windSpeed: day.windSpeed,
    windSpeedStatistic: "mean",
    units: UNITS,
    source,
  };
}

function nameOf(place: Place): string {
  return (place.days[0] as Observation).location;
}

function keyOf(location: string): string {
  return location.trim().replace(/\s+/g, " ").toLowerCase();
}
