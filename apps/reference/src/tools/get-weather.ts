import type { MCPServer } from "@backplane/server";
import { z } from "zod";
import type { Services } from "../services.ts";

const Input = z.object({
  location: z.string().min(1).max(100).describe("Name of a place, such as Seattle"),
  date: z
    .string()
    .max(40)
    .optional()
    .describe("YYYY-MM-DD; left out: the last recorded day, or today when the source is live"),
});

const Output = z.object({
  location: z.string(),
  observedOn: z.string().describe("The day of these values, YYYY-MM-DD"),
  kind: z.enum(["observed", "modelled"]),
  condition: z.string(),
  temperatureMax: z.number(),
  temperatureMin: z.number(),
  precipitation: z.number(),
  windSpeed: z.number(),
  windSpeedStatistic: z.enum(["mean", "maximum"]).describe("What windSpeed is of the day"),
  units: z.object({ temperature: z.string(), precipitation: z.string(), windSpeed: z.string() }),
  source: z.string(),
});

/** Live values change by the hour, and recorded ones never. They are the same for everybody. */
const CACHE_HINT = { ttlMs: 600_000, cacheScope: "public" } as const;

/** A function as a tool: the shortest way, and what most tools are. */
export function registerGetWeather(server: MCPServer, { weather }: Services): void {
  server.tool(
    "get_weather",
    {
      title: "Weather of a day",
      description: `Weather of one day at one place, with units and source. Source: ${weather.description}.`,
      input: Input,
      output: Output,
      annotations: { readOnlyHint: true, openWorldHint: false },
      cacheHint: CACHE_HINT,
    },
    (query, context) => weather.getWeather(query, { signal: context.signal }),
  );
}
