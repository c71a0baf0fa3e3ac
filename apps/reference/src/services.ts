import { readFile } from "node:fs/promises";
import type { MCPCache } from "@backplane/cache";
import type { Bookings } from "./calendar/booking-plan.ts";
import { createBookings } from "./calendar/bookings.ts";
import { type CalendarService, createCalendarService } from "./calendar/calendar-service.ts";
import { createDatabaseBookings, createDatabaseCalendar } from "./calendar/database-bookings.ts";
import { type Holidays, readHolidays } from "./calendar/holidays.ts";
import { createIcsFolder } from "./calendar/ics-folder.ts";
import { type Config, dataFile } from "./config.ts";
import type { Database } from "./database.ts";
import { ConfigError } from "./environment.ts";
import { cachedWeather } from "./weather/cached-weather.ts";
import { parseWeatherCsv } from "./weather/csv.ts";
import { createLiveWeather } from "./weather/live-weather.ts";
import { createRecordedWeather, type RecordedWeather } from "./weather/recorded-weather.ts";
import type { WeatherSource } from "./weather/weather-source.ts";

/** What the tools work with; nothing here knows of the protocol. */
export interface Services {
  /** Answers `get_weather`: recorded or live. */
  readonly weather: WeatherSource;
  readonly recorded: RecordedWeather;
  readonly calendar: CalendarService;
  readonly bookings: Bookings;
  /** The folder that the calendars are read from. */
  readonly calendarDir: string;
  readonly holidays: Holidays;
  /** Lets go of connections. Idempotent. */
  close(): Promise<void>;
}

/**
 * Reads all data once.
 * @param database where bookings are; without it they are in a file.
 * @throws {Error} when a data file or the calendar folder is missing or damaged.
 */
export async function openServices(
  config: Config,
  cache: MCPCache,
  database: Database | undefined,
): Promise<Services> {
  const [csv, holidayText] = await Promise.all([
    readFile(dataFile("weather.csv"), "utf8"),
    readFile(dataFile("holidays.json"), "utf8"),
  ]);
  const recorded = createRecordedWeather(parseWeatherCsv(csv));
  const holidays = readHolidays(JSON.parse(holidayText));
  const calendars = createIcsFolder(config.calendarDir);
  try {
    await calendars.read();
  } catch (cause) {
    const remedy = "set CALENDAR_DIR to a folder with .ics files";
    throw new ConfigError(`the calendar folder ${config.calendarDir} cannot be read: ${remedy}`, {
      cause,
    });
  }
  const calendar = createCalendarService({
    sources: [
      calendars,
      database === undefined
        ? createIcsFolder(config.bookingsDir, { mayBeMissing: true })
        : createDatabaseCalendar(database.pool),
    ],
    holidays,
    defaultTimeZone: config.timeZone,
  });
  const weather =
    config.weather.source === "live"
      ? cachedWeather(createLiveWeather(config.weather), cache)
      : recorded;
  return {
    weather,
    recorded,
    calendar,
    bookings:
      database === undefined
        ? createBookings({ folder: config.bookingsDir, calendar })
        : createDatabaseBookings(database.pool, calendar),
    calendarDir: config.calendarDir,
    holidays,
    close: () => weather.close(),
  };
}
