import { MCPTool, type ToolArguments, type ToolOptions } from "@backplane/server";
import { z } from "zod";
import type { Services } from "../services.ts";

const Input = z.object({
  date: z.string().max(40).describe("YYYY-MM-DD"),
  timeZone: z.string().max(100).optional().describe("IANA name, such as Europe/Berlin"),
  country: z
    .string()
    .max(10)
    .optional()
    .describe("ISO 3166-1 alpha-2; adds the public holidays of that country"),
});

const Output = z.object({
  date: z.string(),
  weekday: z.string(),
  timeZone: z.string(),
  events: z.array(
    z.object({
      title: z.string(),
      calendar: z.string(),
      location: z.string().optional(),
      allDay: z.boolean(),
      start: z.string().describe("A date when allDay, else a time with its offset"),
      end: z.string().describe("Exclusive"),
      continued: z.boolean().describe("It began on an earlier day"),
      busy: z.boolean(),
    }),
  ),
  holidays: z
    .array(z.object({ name: z.string(), date: z.string(), country: z.string() }))
    .optional(),
  problems: z
    .array(z.object({ file: z.string(), reason: z.string() }))
    .describe("Files and events that could not be read: the answer is incomplete by these"),
});

/** A class as a tool, for one that has something of its own to keep. */
export class GetCalendarTool extends MCPTool<typeof Input, typeof Output> {
  readonly name = "get_calendar";
  readonly options: ToolOptions<typeof Input, typeof Output>;
  readonly #services: Services;

  constructor(services: Services) {
    super();
    this.#services = services;
    const { countries } = services.holidays;
    this.options = {
      title: "Calendar of a day",
      description:
        `Events and public holidays of one day, in the time zone asked for ` +
        `(${services.calendar.zoneOf(undefined).name} when left out). ` +
        `Holidays are known for ${countries.join(", ")}.`,
      input: Input,
      output: Output,
      annotations: { readOnlyHint: true, openWorldHint: false },
    };
  }

  async execute(query: ToolArguments<typeof Input>): Promise<z.input<typeof Output>> {
    const { events, holidays, problems, ...day } = await this.#services.calendar.getCalendar(query);
    return {
      ...day,
      events: [...events],
      ...(holidays !== undefined && { holidays: [...holidays] }),
      problems: [...problems],
    };
  }
}
