import { curlLine } from "./curl.ts";
import type { Services } from "./services.ts";

/** What the started application tells whoever started it. */
export function banner(url: string, services: Services, allowedHosts?: readonly string[]): string {
  // Whoever listens everywhere is reached by loopback too.
  const reachable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const { origin } = new URL(reachable);
  const { weather, calendar } = services;
  const place = "Seattle";
  return [
    `Backplane reference application, MCP at ${url}`,
    "  revisions  2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05",
    `  probes     ${origin}/health and ${origin}/ready`,
    "  tools      get_weather, get_calendar, book_event, climate_summary,",
    "             daylight_day_length (a hosted server of the official SDK)",
    "  resources  weather://{location}/{date}, calendar:///{+path} (the calendar folder)",
    "  prompts    plan_day",
    `  weather    ${weather.description}`,
    `  calendar   times in ${calendar.zoneOf(undefined).name} unless asked otherwise`,
    "",
    "Try it:",
    "",
    curlLine(reachable, "get_weather", { location: place }, allowedHosts?.[0]),
    "",
  ].join("\n");
}
