import { type CivilDate, dayNumber } from "../civil-date.ts";

/** One row of the recorded observations. Units: data/README.md. */
export interface Observation {
  readonly location: string;
  readonly date: CivilDate;
  /** Millimetres in the day. */
  readonly precipitation: number;
  /** °C. */
  readonly temperatureMax: number;
  /** °C. */
  readonly temperatureMin: number;
  /** Mean over the day, m/s. */
  readonly windSpeed: number;
  readonly condition: string;
}

const HEADER = "location,date,precipitation,temp_max,temp_min,wind,weather";

/**
 * Reads the whole file once, at start. It is part of the application, so a row that is wrong is a
 * broken installation and not bad input.
 * @throws {Error} that names the line, for a wrong header, cell count, date, number or a repeated day.
 */
export function parseWeatherCsv(text: string): readonly Observation[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== HEADER) throw new Error(`weather data, line 1: the header must be ${HEADER}`);
  const seen = new Set<string>();
  return lines.slice(1).map((line, index) => {
    const observation = parseRow(line, index + 2);
    const key = `${observation.location},${observation.date}`;
    if (seen.has(key)) throw rowError(index + 2, `${key} occurs twice`);
    seen.add(key);
    return observation;
  });
}

function parseRow(line: string, lineNumber: number): Observation {
  const cells = line.split(",");
  if (cells.length !== 7) throw rowError(lineNumber, `${cells.length} cells instead of 7`);
  const [location, date, precipitation, max, min, wind, condition] = cells as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (location === "" || condition === "") throw rowError(lineNumber, "an empty cell");
  if (dayNumber(date) === undefined) throw rowError(lineNumber, `${date} is not a date`);
  return {
    location,
    date,
    precipitation: toNumber(precipitation, lineNumber),
    temperatureMax: toNumber(max, lineNumber),
    temperatureMin: toNumber(min, lineNumber),
    windSpeed: toNumber(wind, lineNumber),
    condition,
  };
}

function toNumber(cell: string, lineNumber: number): number {
  const value = Number(cell);
  if (cell.trim() === "" || !Number.isFinite(value)) {
    throw rowError(lineNumber, `${JSON.stringify(cell)} is not a number`);
  }
  return value;
}

function rowError(lineNumber: number, reason: string): Error {
  return new Error(`weather data, line ${lineNumber}: ${reason}`);
}
