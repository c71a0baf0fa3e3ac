import { type Logger, MCPServer } from "@backplane/server";
import { hostSdkServer } from "@backplane/server/sdk-v1";
import type { Config } from "./config.ts";
import { registerPlanDay } from "./prompts/plan-day.ts";
import { registerCalendarFiles } from "./resources/calendar-files.ts";
import { registerWeatherResource } from "./resources/weather-resource.ts";
import { createDaylightServer } from "./sdk/daylight-server.ts";
import type { Services } from "./services.ts";
import { registerBookEvent } from "./tools/book-event.ts";
import { registerClimateSummary } from "./tools/climate-summary.ts";
import { GetCalendarTool } from "./tools/get-calendar.ts";
import { registerGetWeather } from "./tools/get-weather.ts";

const NAME = "backplane-reference";
const VERSION = "0.1.0";

/** The application as one server object: what is registered here, every transport serves. */
export async function createReferenceServer(
  services: Services,
  options: { allowedHosts?: Config["allowedHosts"]; logger?: Logger } = {},
): Promise<MCPServer> {
  const { allowedHosts, logger } = options;
  const server = new MCPServer({
    name: NAME,
    version: VERSION,
    title: "Backplane reference",
    description: "Weather and calendar on real input",
    instructions:
      "get_weather and get_calendar answer for one day; book_event asks for what is missing; " +
      "climate_summary reports progress. Recorded weather ends in 2015: look at observedOn.",
    legacySse: true,
    ...(allowedHosts !== undefined && { allowedHosts }),
    ...(logger !== undefined && { logger }),
  });
  registerGetWeather(server, services);
  server.addTool(new GetCalendarTool(services));
  registerBookEvent(server, services);
  registerClimateSummary(server, services);
  registerWeatherResource(server, services);
  registerCalendarFiles(server, services);
  registerPlanDay(server, services);
  // A server of the official SDK, unchanged: its tools stand beside ours, on every transport and revision.
  await hostSdkServer(server, createDaylightServer, {
    namePrefix: "daylight_",
    ...(logger !== undefined && { logger }),
  });
  return server;
}
