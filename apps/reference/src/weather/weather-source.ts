import type { CivilDate } from "../civil-date.ts";

/** What a caller asks for. */
export interface WeatherQuery {
  /** Compared without regard to case and surrounding blanks. */
  readonly location: string;
  /** `YYYY-MM-DD`. Left out: the last recorded day, or today at the place when the source is live. */
  readonly date?: string | undefined;
}

/** One day's weather. Every number is in the unit that `units` names. */
export interface WeatherReport {
  readonly location: string;
  /** The day that the numbers belong to, in the place's own time. */
  readonly observedOn: CivilDate;
  /** `observed` at a station, or `modelled`: today's and future values, or a reanalysis. */
  readonly kind: "observed" | "modelled";
  readonly condition: string;
  readonly temperatureMax: number;
  readonly temperatureMin: number;
  readonly precipitation: number;
  readonly windSpeed: number;
  /** What `windSpeed` is of the day: sources differ. */
  readonly windSpeedStatistic: "mean" | "maximum";
  readonly units: WeatherUnits;
  readonly source: string;
}

export interface WeatherUnits {
  readonly temperature: "°C";
  readonly precipitation: "mm";
  readonly windSpeed: "m/s";
}

export const UNITS: WeatherUnits = { temperature: "°C", precipitation: "mm", windSpeed: "m/s" };

export interface WeatherSource {
  /** One line for people: what this source is. */
  readonly description: string;
  /**
   * @throws {ToolExecutionError} −1001 for a location or date it has not, −2001 when its upstream fails.
   */
  getWeather(query: WeatherQuery, options?: { signal?: AbortSignal }): Promise<WeatherReport>;
  close(): Promise<void>;
}
