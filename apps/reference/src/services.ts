import { readFile } from "node:fs/promises";
import { type Bookings, createBookings } from "./calendar/bookings.ts";
import { type CalendarService, createCalendarService } from "./calendar/calendar-service.ts";
import { type Holidays, readHolidays } from "./calendar/holidays.ts";
import { createIcsFolder } from "./calendar/ics-folder.ts";
import { type Config, ConfigError, dataFile } from "./config.ts";
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

/** Reads all data once. @throws {Error} when a data file or the calendar folder is missing or damaged. */
export async function openServices(config: Config): Promise<Services> {
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
    folders: [calendars, createIcsFolder(config.bookingsDir, { mayBeMissing: true })],
    holidays,
    defaultTimeZone: config.timeZone,
  });
  const weather = config.weather.source === "live" ? createLiveWeather(config.weather) : recorded;
  return {
    weather,
    recorded,
    calendar,
    bookings: createBookings({ folder: config.bookingsDir, calendar }),
    calendarDir: config.calendarDir,
    holidays,
    close: () => weather.close(),
  };
}
