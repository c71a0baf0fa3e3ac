import { type MCPServer, ToolExecutionError } from "@backplane/server";
import { codes } from "../errors.ts";
import type { Services } from "../services.ts";
import { suggestDates, suggestLocations } from "../suggestions.ts";

/** The weather of one day as a resource: `weather://Seattle/2015-12-31`. */
export function registerWeatherResource(server: MCPServer, services: Services): void {
  const { weather, recorded } = services;
  server.resource(
    "weather://{location}/{date}",
    {
      name: "weather",
      title: "Weather of a day",
      description: "The weather of one day at one place, as JSON",
      mimeType: "application/json",
      complete: { location: suggestLocations(recorded), date: suggestDates(recorded) },
    },
    async ({ variables }, context) => {
      const { location, date } = variables;
      if (typeof location !== "string" || typeof date !== "string") return undefined;
      try {
        return JSON.stringify(
          await weather.getWeather({ location, date }, { signal: context.signal }),
        );
      } catch (error) {
        // A place or day that does not exist is a resource that does not exist.
        if (ToolExecutionError.isInstance(error) && error.code === codes.invalidInput) {
          return undefined;
        }
        throw error;
      }
    },
  );
}
