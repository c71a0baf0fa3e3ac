import type { Principal } from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";
import {
  ConditionalNode,
  FunctionNode,
  MCPToolNode,
  type NodeContext,
  WorkflowBuilder,
  workflowAsTool,
} from "@backplane/workflow";
import { z } from "zod";
import { WRITES_CALENDAR } from "../access/policy.ts";
import { CALENDAR_WRITE } from "../access/roles.ts";
import { canAsk } from "../can-ask.ts";

/** From this maximum on a day gets an alert. */
const HEAT_ALERT_CELSIUS = 32;

/** Whom the steps call tools as. Whoever reaches them has passed the policy of `plan_day` and its limits already. */
const STEPS: Principal = {
  id: "plan_day",
  issuer: "backplane-reference",
  scopes: [CALENDAR_WRITE],
  roles: [],
  rateLimit: { limit: 1_000_000, windowMs: 60_000 },
};

const Weather = z.object({
  location: z.string(),
  observedOn: z.string(),
  condition: z.string(),
  temperatureMax: z.number(),
  units: z.object({ temperature: z.string() }),
});

const Alert = z.object({ title: z.string(), date: z.string() });

/**
 * A workflow as a tool: the weather of a day, and when it is hot an alert, which goes into the calendar when the user
 * agrees; then the calendar of that day. Each step is a call of this server's own tools.
 */
export async function registerPlanDayTool(server: MCPServer): Promise<void> {
  const step = (tool: string) => new MCPToolNode({ target: server, tool, principal: STEPS });
  const workflow = await new WorkflowBuilder({
    name: "plan_day",
    description:
      `Weather and calendar of a day. From ${HEAT_ALERT_CELSIUS} °C on it puts a heat alert into the ` +
      "calendar, at noon; a client that can be asked is asked before.",
  })
    .addNode("weather", step("get_weather"), { retry: { maxRetries: 2 } })
    .addNode(
      "decide",
      new ConditionalNode({
        input: z.object({ weather: Weather }),
        branches: ["hot", "mild"],
        choose: ({ weather }) => (weather.temperatureMax >= HEAT_ALERT_CELSIUS ? "hot" : "mild"),
      }),
    )
    .addNode(
      "alert",
      new FunctionNode({
        input: z.object({ weather: Weather }),
        output: Alert,
        run: ({ weather: { location, observedOn, temperatureMax, units } }) => ({
          title: `Heat in ${location}: up to ${temperatureMax} ${units.temperature}`,
          date: observedOn,
        }),
      }),
    )
    .addNode(
      "confirm",
      new ConditionalNode({
        input: z.object({ alert: Alert }),
        branches: ["yes", "no"],
        choose: async ({ alert }, context) => ((await agrees(alert, context)) ? "yes" : "no"),
      }),
    )
    .addNode(
      "book",
      new MCPToolNode({
        target: server,
        tool: "book_event",
        principal: STEPS,
        arguments: { title: "alert.title", date: "alert.date" },
        // Noon may be taken: then the reason is what the plan says.
        onToolError: "output",
      }),
      { inputs: { startTime: "12:00", durationMinutes: 30 } },
    )
    .addNode(
      "day",
      // Where the two ways meet: the calendar is read when the alert is in it.
      new FunctionNode({
        input: z.object({ weather: Weather, booking: z.unknown().optional() }),
        output: z.object({ date: z.string() }),
        run: ({ weather }) => ({ date: weather.observedOn }),
      }),
    )
    .addNode("calendar", step("get_calendar"))
    .input("location", { to: "weather.location" })
    .input("date", { to: "weather.date", optional: true })
    .input("timeZone", { to: ["book.timeZone", "calendar.timeZone"], optional: true })
    .connect({ from: "weather.result", to: "decide.weather" })
    .connect({ from: "decide.hot.weather", to: "alert.weather" })
    .connect({ from: "alert.result", to: "confirm.alert" })
    .connect({ from: "confirm.yes.alert", to: "book.alert" })
    .connect({ from: "weather.result", to: "day.weather" })
    .connect({ from: "book.result", to: "day.booking", optional: true })
    .connect({ from: "day.result.date", to: "calendar.date" })
    .output("weather", "weather.result")
    .output("alert", "alert.result.title")
    .output("booking", "book.result")
    .output("calendar", "calendar.result")
    .build();
  server.addTool(
    workflowAsTool(workflow, {
      title: "Plan a day",
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
      tags: [WRITES_CALENDAR],
    }),
  );
}

async function agrees({ title, date }: z.output<typeof Alert>, context: NodeContext) {
  if (context.request === undefined || !canAsk(context.request)) return true;
  const answer = await context.elicit("alert", {
    message: `Put “${title}” into the calendar of ${date}, at 12:00?`,
    schema: z.object({ confirm: z.boolean().meta({ title: "Put it there" }) }),
  });
  return answer.action === "accept" && answer.content?.confirm === true;
}
