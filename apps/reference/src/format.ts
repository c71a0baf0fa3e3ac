import type { CalendarDay } from "./calendar/calendar-service.ts";
import type { Occurrence } from "./calendar/occurrences.ts";
import type { Conflict } from "./errors.ts";
import type { YearSummary } from "./weather/climate.ts";
import type { WeatherReport } from "./weather/weather-source.ts";

/** One line per fact, for a model to read and to quote. */
export function formatWeather(report: WeatherReport): string {
  const { units } = report;
  const wind = report.windSpeedStatistic === "mean" ? "mean wind" : "wind up to";
  const verb = report.kind === "observed" ? "observed" : "modelled";
  return (
    `${report.location}, ${report.observedOn} (${verb}): ${report.condition}, ` +
    `${report.temperatureMin} to ${report.temperatureMax} ${units.temperature}, ` +
    `precipitation ${report.precipitation} ${units.precipitation}, ` +
    `${wind} ${report.windSpeed} ${units.windSpeed}. Source: ${report.source}.`
  );
}

export function formatCalendar(day: CalendarDay): string {
  const lines = [`${day.weekday}, ${day.date} (${day.timeZone})`];
  for (const holiday of day.holidays ?? []) lines.push(`- public holiday: ${holiday.name}`);
  for (const event of day.events) lines.push(`- ${formatOccurrence(event, day.date)}`);
  if (day.events.length === 0) lines.push("- no events");
  for (const { file, reason } of day.problems) lines.push(`! ${file}: ${reason}`);
  return lines.join("\n");
}

function formatOccurrence(event: Occurrence, date: string): string {
  const place = event.location === undefined ? "" : `, ${event.location}`;
  return `${formatTimes(event, date)} ${event.title}${place} [${event.calendar}]`;
}

/** Times of the day itself are enough as HH:MM; those of another day carry their date. */
function formatTimes({ allDay, start, end }: Occurrence, date: string): string {
  if (allDay) return "all day";
  const clock = (time: string) =>
    time.startsWith(date) ? time.slice(11, 16) : `${time.slice(0, 10)} ${time.slice(11, 16)}`;
  return start === end ? clock(start) : `${clock(start)}–${clock(end)}`;
}

export function formatYear(location: string, year: YearSummary): string {
  const conditions = Object.entries(year.conditions)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([condition, days]) => `${condition} ${days}`)
    .join(", ");
  return (
    `${location} ${year.year} (${year.days} days): mean ${year.meanTemperatureMin} to ` +
    `${year.meanTemperatureMax} °C, ${year.totalPrecipitation} mm in all; ` +
    `hottest ${year.hottestDay.date} (${year.hottestDay.value} °C), ` +
    `coldest ${year.coldestDay.date} (${year.coldestDay.value} °C), ` +
    `wettest ${year.wettestDay.date} (${year.wettestDay.value} mm); days: ${conditions}.`
  );
}

/** Empty without conflicts, else a sentence to put before a question. */
export function formatConflicts(conflicts: readonly Conflict[]): string {
  if (conflicts.length === 0) return "";
  const list = conflicts.map(({ title, start, end }) => `“${title}” (${start} to ${end})`);
  return `The time overlaps with ${list.join(", ")}. `;
}
