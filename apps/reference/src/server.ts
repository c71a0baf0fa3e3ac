import { type Logger, MCPServer, type MCPServerOptions } from "@backplane/server";
import { hostSdkServer } from "@backplane/server/sdk-v1";
import { registerPlanDay } from "./prompts/plan-day.ts";
import { registerCalendarFiles } from "./resources/calendar-files.ts";
import { registerWeatherResource } from "./resources/weather-resource.ts";
import { createDaylightServer } from "./sdk/daylight-server.ts";
import type { Services } from "./services.ts";
import { registerBookEvent } from "./tools/book-event.ts";
import { registerClimateSummary } from "./tools/climate-summary.ts";
import { registerFailOnPurpose } from "./tools/fail-on-purpose.ts";
import { GetCalendarTool } from "./tools/get-calendar.ts";
import { registerGetWeather } from "./tools/get-weather.ts";
import { registerPlanDayTool } from "./tools/plan-day.ts";

const NAME = "backplane-reference";
const VERSION = "0.1.0";

/** What an MCP server of the application says and serves: what is registered here, every transport serves. */
export async function createReferenceServer(
  services: Services,
  options: Omit<MCPServerOptions, "name" | "version"> & { readonly logger: Logger },
): Promise<MCPServer> {
  const server = new MCPServer({
    name: NAME,
    version: VERSION,
    title: "Backplane reference",
    description: "Weather and calendar on real input",
    instructions:
      "get_weather and get_calendar answer for one day, plan_day does both and warns of heat; " +
      "book_event asks for what is missing; climate_summary reports progress. " +
      "Recorded weather ends in 2015: look at observedOn.",
    legacySse: true,
    ...options,
  });
  registerGetWeather(server, services);
  server.addTool(new GetCalendarTool(services));
  registerBookEvent(server, services);
  registerClimateSummary(server, services);
  registerFailOnPurpose(server);
  registerWeatherResource(server, services);
  registerCalendarFiles(server, services);
  registerPlanDay(server, services);
  // A server of the official SDK, unchanged: its tools stand beside ours, on every transport and revision.
  await hostSdkServer(server, createDaylightServer, {
    namePrefix: "daylight_",
    logger: options.logger,
  });
  // Last: its steps are tools of the server, and are looked at when it is built.
  await registerPlanDayTool(server);
  return server;
}
