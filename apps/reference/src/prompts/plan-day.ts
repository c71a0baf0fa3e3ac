import type { MCPServer } from "@backplane/server";
import { formatCalendar, formatWeather } from "../format.ts";
import type { Services } from "../services.ts";
import { suggestDates, suggestLocations } from "../suggestions.ts";

/** A prompt with the day's facts in it, so that the model plans from them and not from memory. */
export function registerPlanDay(server: MCPServer, services: Services): void {
  const { weather, recorded, calendar } = services;
  server.prompt(
    "plan_day",
    {
      title: "Plan a day",
      description: "Plans a day at a place from its weather and calendar",
      arguments: {
        location: {
          description: "Name of a place, such as Seattle",
          required: true,
          complete: suggestLocations(recorded),
        },
        date: {
          description: "YYYY-MM-DD; left out: the last day that the weather source has",
          complete: suggestDates(recorded),
        },
        timeZone: { description: "IANA name, such as America/Los_Angeles" },
      },
    },
    async ({ location, date, timeZone }, context) => {
      const report = await weather.getWeather({ location, date }, { signal: context.signal });
      const day = await calendar.getCalendar({ date: report.observedOn, timeZone });
      return [
        `Plan my ${day.weekday}, ${day.date}, in ${report.location}.`,
        "Use only these facts, and say so where they are not enough:",
        `Weather: ${formatWeather(report)}`,
        `Calendar: ${formatCalendar(day)}`,
      ].join("\n\n");
    },
  );
}
