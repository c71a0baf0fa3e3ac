import type { Application } from "./application.ts";
import type { Config } from "./config.ts";
import { curlLine } from "./curl.ts";

/** Where a shell takes the key from, when it is not one of this run. */
const KEY_VARIABLE = "$BACKPLANE_KEY";

/** What the started application tells whoever started it. */
export function banner(
  url: string,
  application: Pick<Application, "services" | "developmentKey" | "configuredTools">,
  { allowedHosts, redisUrl, databaseUrl }: Config,
): string {
  // Whoever listens everywhere is reached by loopback too.
  const reachable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const { origin } = new URL(reachable);
  const { services, developmentKey, configuredTools } = application;
  const { weather, calendar } = services;
  const key = developmentKey ?? KEY_VARIABLE;
  return [
    `Backplane reference application, MCP at ${url}`,
    "  revisions  2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05",
    `  probes     ${origin}/health and ${origin}/ready`,
    `  for you    ${origin}/dashboard, ${origin}/metrics, ${origin}/health/details`,
    "  tools      get_weather, get_calendar, book_event, climate_summary, plan_day (a workflow),",
    "             fail_on_purpose, daylight_day_length (a hosted server of the official SDK),",
    `             and by the tools file ${configuredTools.join(", ")}`,
    "  resources  weather://{location}/{date}, calendar:///{+path} (the calendar folder)",
    "  prompts    plan_day",
    `  weather    ${weather.description}`,
    `  calendar   times in ${calendar.zoneOf(undefined).name} unless asked otherwise`,
    `  shared     ${redisUrl === undefined ? "nothing: sessions, limits and cache are in memory" : "through Redis"}`,
    `  bookings   ${databaseUrl === undefined ? "in a file" : "in PostgreSQL"}`,
    "",
    ...(developmentKey === undefined
      ? []
      : [
          "A key for this run, because neither API_KEYS nor JWT_SECRET is set. It may do everything:",
          "",
          `export BACKPLANE_KEY=${developmentKey}`,
          "",
        ]),
    "Try it:",
    "",
    curlLine(reachable, "get_weather", { location: "Seattle" }, { key, host: allowedHosts?.[0] }),
    "",
    `Then see it: open ${origin}/dashboard and sign in with ${developmentKey === undefined ? "a key of an operator" : "the key"}.`,
    "",
  ].join("\n");
}
