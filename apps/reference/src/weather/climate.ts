import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { CivilDate } from "../civil-date.ts";
import type { Observation } from "./csv.ts";

/** One calendar year at one place. Units as in the observations. */
export interface YearSummary {
  readonly year: number;
  /** Days with an observation. */
  readonly days: number;
  readonly meanTemperatureMax: number;
  readonly meanTemperatureMin: number;
  readonly totalPrecipitation: number;
  readonly hottestDay: DayValue;
  readonly coldestDay: DayValue;
  readonly wettestDay: DayValue;
  /** Days by condition. */
  readonly conditions: Readonly<Record<string, number>>;
}

export interface DayValue {
  readonly date: CivilDate;
  readonly value: number;
}

/** The years that have observations, oldest first. */
export function yearsOf(days: readonly Observation[]): readonly number[] {
  return [...new Set(days.map(yearOf))].sort((a, b) => a - b);
}

/**
 * Walks the years one by one, oldest first, and gives up the event loop between them.
 * @param pauseMs how long to wait after each year; 0 by default.
 * @throws the signal's reason, once it has fired.
 */
export async function* summariseYears(
  days: readonly Observation[],
  { signal, pauseMs = 0 }: { signal?: AbortSignal; pauseMs?: number } = {},
): AsyncGenerator<YearSummary, void, undefined> {
  for (const year of yearsOf(days)) {
    signal?.throwIfAborted();
    yield summariseYear(
      year,
      days.filter((day) => yearOf(day) === year),
    );
    await pause(pauseMs, signal);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms === 0) return await nextTurn();
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    // timers/promises rejects with its own AbortError; the caller's reason says more.
    signal?.throwIfAborted();
    throw error;
  }
}

function summariseYear(year: number, days: readonly Observation[]): YearSummary {
  const conditions: Record<string, number> = {};
  for (const { condition } of days) conditions[condition] = (conditions[condition] ?? 0) + 1;
  return {
    year,
    days: days.length,
    meanTemperatureMax: mean(days.map((day) => day.temperatureMax)),
    meanTemperatureMin: mean(days.map((day) => day.temperatureMin)),
    totalPrecipitation: round(days.reduce((sum, day) => sum + day.precipitation, 0)),
    hottestDay: extreme(days, (day) => day.temperatureMax),
    coldestDay: extreme(days, (day) => day.temperatureMin, -1),
    wettestDay: extreme(days, (day) => day.precipitation),
    conditions,
  };
}

/** The first day with the greatest value, or with the least when `sign` is −1. */
function extreme(
  days: readonly Observation[],
  measure: (day: Observation) => number,
  sign: 1 | -1 = 1,
): DayValue {
  let best = days[0] as Observation;
  for (const day of days) if (sign * measure(day) > sign * measure(best)) best = day;
  return { date: best.date, value: measure(best) };
}

function mean(values: readonly number[]): number {
  return round(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** To the precision of the observations, one decimal. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function yearOf(day: Observation): number {
  return Number(day.date.slice(0, 4));
}
