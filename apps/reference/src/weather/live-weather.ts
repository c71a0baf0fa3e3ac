import { z } from "zod";
import { isCivilDate } from "../civil-date.ts";
import { invalidInput, quote, upstreamUnavailable } from "../errors.ts";
import {
  createHttpJsonClient,
  DEFAULT_RETRY_AFTER_MS,
  type HttpJsonResponse,
} from "./http-json.ts";
import {
  UNITS,
  type WeatherQuery,
  type WeatherReport,
  type WeatherSource,
} from "./weather-source.ts";
import { conditionOf } from "./wmo-codes.ts";

export interface LiveWeatherOptions {
  /** Base of the forecast API, with its path prefix: `/v1/forecast` is appended. */
  readonly weatherUrl: URL;
  /** Base of the geocoding API: `/v1/search` is appended. */
  readonly geocodingUrl: URL;
  /** For each of the two requests, 5,000 by default. */
  readonly timeoutMs?: number;
  /** For each answer, 262,144 by default; a real one has about 2,000 bytes. */
  readonly maxResponseBytes?: number;
}

const Geocoding = z.object({
  results: z
    .array(
      z.object({
        name: z.string(),
        latitude: z.number(),
        longitude: z.number(),
        country: z.string().optional(),
        timezone: z.string().optional(),
      }),
    )
    .optional(),
});

// The units are checked, not assumed: a service that ignores `wind_speed_unit` answers km/h.
const Forecast = z.object({
  daily_units: z.object({
    temperature_2m_max: z.literal("°C"),
    temperature_2m_min: z.literal("°C"),
    precipitation_sum: z.literal("mm"),
    wind_speed_10m_max: z.literal("m/s"),
  }),
  daily: z.object({
    time: z.array(z.string()).length(1),
    weather_code: z.array(z.number()).length(1),
    temperature_2m_max: z.array(z.number()).length(1),
    temperature_2m_min: z.array(z.number()).length(1),
    precipitation_sum: z.array(z.number()).length(1),
    wind_speed_10m_max: z.array(z.number()).length(1),
  }),
});

/** What services of the Open-Meteo shape answer with a 4xx. */
const Refusal = z.object({ error: z.literal(true), reason: z.string() });

type Place = NonNullable<z.infer<typeof Geocoding>["results"]>[number];

/** Asks an HTTP API of the Open-Meteo shape: first where the place is, then for one day there. */
export function createLiveWeather(options: LiveWeatherOptions): WeatherSource {
  const { weatherUrl, geocodingUrl } = options;
  const http = createHttpJsonClient({
    timeoutMs: options.timeoutMs ?? 5_000,
    maxResponseBytes: options.maxResponseBytes ?? 262_144,
  });

  async function locate(location: string, signal: AbortSignal | undefined): Promise<Place> {
    const url = endpoint(geocodingUrl, "v1/search", { name: location, count: "1", format: "json" });
    const response = await http.get(url, signal === undefined ? {} : { signal });
    const unknown = () =>
      invalidInput(
        "location",
        location,
        `Unknown location ${quote(location)}: ${url.host} has none of that name.`,
      );
    if (response.statusCode === 404 && Refusal.safeParse(response.body).success) throw unknown();
    const { results } = readSuccess(Geocoding, response, url);
    const place = results?.[0];
    if (place === undefined) throw unknown();
    return place;
  }

  async function forecast(
    place: Place,
    date: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<typeof Forecast>["daily"]> {
    const url = endpoint(weatherUrl, "v1/forecast", {
      latitude: String(place.latitude),
      longitude: String(place.longitude),
      daily:
        "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum,wind_speed_10m_max",
      temperature_unit: "celsius",
      wind_speed_unit: "ms",
      precipitation_unit: "mm",
      timezone: place.timezone ?? "auto",
      ...(date === undefined ? { forecast_days: "1" } : { start_date: date, end_date: date }),
    });
    const response = await http.get(url, signal === undefined ? {} : { signal });
    const refusal = response.statusCode === 400 ? Refusal.safeParse(response.body) : undefined;
    if (date !== undefined && refusal?.success === true) {
      throw invalidInput(
        "date",
        date,
        `${url.host} has no values for ${date}: ${quote(refusal.data.reason)}.`,
      );
    }
    const { daily } = readSuccess(Forecast, response, url);
    if (date !== undefined && daily.time[0] !== date) {
      throw upstreamUnavailable(
        `The weather service ${url.host} answered for another day than ${date}.`,
        DEFAULT_RETRY_AFTER_MS,
      );
    }
    return daily;
  }

  return {
    description: `live values from ${weatherUrl.host}`,
    async getWeather(query: WeatherQuery, { signal } = {}): Promise<WeatherReport> {
      const location = query.location.trim();
      const date = query.date?.trim();
      if (location === "") throw invalidInput("location", query.location, "The location is empty.");
      if (date !== undefined && !isCivilDate(date)) {
        throw invalidInput("date", date, `${quote(date)} is not a date. Write YYYY-MM-DD.`);
      }
      const place = await locate(location, signal);
      return toReport(place, await forecast(place, date, signal), weatherUrl);
    },
    close: () => http.close(),
  };
}

function toReport(
  place: Place,
  daily: z.infer<typeof Forecast>["daily"],
  weatherUrl: URL,
): WeatherReport {
  return {
    location: place.country === undefined ? place.name : `${place.name}, ${place.country}`,
    observedOn: daily.time[0] as string,
    kind: "modelled",
    condition: conditionOf(daily.weather_code[0] as number),
    temperatureMax: daily.temperature_2m_max[0] as number,
    temperatureMin: daily.temperature_2m_min[0] as number,
    precipitation: daily.precipitation_sum[0] as number,
    windSpeed: daily.wind_speed_10m_max[0] as number,
    windSpeedStatistic: "maximum",
    units: UNITS,
    source: `live weather API at ${weatherUrl.host}`,
  };
}

function readSuccess<Schema extends z.ZodType>(
  schema: Schema,
  response: HttpJsonResponse,
  url: URL,
): z.output<Schema> {
  const retryAfterMs = response.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS;
  if (response.statusCode < 200 || response.statusCode > 299) {
    throw upstreamUnavailable(
      `The weather service ${url.host} answered with status ${response.statusCode}.`,
      retryAfterMs,
    );
  }
  const parsed = schema.safeParse(response.body);
  if (parsed.success) return parsed.data;
  throw upstreamUnavailable(
    `The weather service ${url.host} answered in an unexpected form.`,
    retryAfterMs,
    parsed.error,
  );
}

/** Keeps the base's path prefix and query (an API key, say), which `new URL(path, base)` would drop. */
function endpoint(base: URL, path: string, query: Readonly<Record<string, string>>): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, "")}/${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
