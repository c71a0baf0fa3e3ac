import type { MCPServer } from "@backplane/server";
import { z } from "zod";
import { formatYear } from "../format.ts";
import type { Services } from "../services.ts";
import { summariseYears, type YearSummary, yearsOf } from "../weather/climate.ts";

const Input = z.object({
  location: z.string().min(1).max(100),
  pauseMsPerYear: z
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe("Slows the walk down, so that progress and cancellation can be watched"),
});

const DayValue = z.object({ date: z.string(), value: z.number() });

const Output = z.object({
  location: z.string(),
  years: z.array(
    z.object({
      year: z.int(),
      days: z.int(),
      meanTemperatureMax: z.number(),
      meanTemperatureMin: z.number(),
      totalPrecipitation: z.number(),
      hottestDay: DayValue,
      coldestDay: DayValue,
      wettestDay: DayValue,
      conditions: z.record(z.string(), z.int()),
    }),
  ),
});

/** A long tool: it reports progress per year and stops between two of them when the call is cancelled. */
export function registerClimateSummary(server: MCPServer, { recorded }: Services): void {
  server.tool(
    "climate_summary",
    {
      title: "Climate of the recorded years",
      description: `Walks all recorded years of a place and sums each up, in °C and mm. Places: ${recorded.locations.join(", ")}.`,
      input: Input,
      output: Output,
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    async ({ location, pauseMsPerYear }, context) => {
      const days = recorded.observationsOf(location);
      const name = days[0]?.location ?? location;
      const total = yearsOf(days).length;
      const years: YearSummary[] = [];
      const walk = summariseYears(days, { signal: context.signal, pauseMs: pauseMsPerYear });
      for await (const year of walk) {
        years.push(year);
        context.progress({ progress: years.length, total, message: formatYear(name, year) });
      }
      return { location: name, years };
    },
  );
}
