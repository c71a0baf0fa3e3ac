import { MCPServer, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

const weather = new Map([
  ["lisbon", { temperature: 24, condition: "sunny" }],
  ["oslo", { temperature: 11, condition: "rain" }],
]);
const events = [
  { date: "2026-09-01", title: "Team meeting", startTime: "14:00" },
  { date: "2026-09-01", title: "Review", startTime: "16:30" },
];

// Behind a proxy or in a container: the names that clients call this server by.
const allowedHosts = process.env.ALLOWED_HOSTS?.split(",");

const server = new MCPServer({
  name: "day-planner",
  version: "1.0.0",
  instructions: "Weather and events, to plan a day.",
  deadlines: { idleMs: 10_000, totalMs: 60_000 },
  ...(allowedHosts !== undefined && { allowedHosts }),
});

server.tool(
  "get_weather",
  {
    description: "Current weather for a location",
    input: z.object({ location: z.string().min(1) }),
    output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
    annotations: { readOnlyHint: true },
  },
  ({ location }) => {
    const found = weather.get(location.toLowerCase());
    if (found === undefined) {
      throw new ToolExecutionError(-1001, `No weather for "${location}"`, {
        data: { known: [...weather.keys()] },
      });
    }
    return { location, ...found };
  },
);

server.tool(
  "get_calendar",
  {
    description: "Events of a day",
    input: z.object({ date: z.iso.date() }),
    output: z.object({
      date: z.string(),
      events: z.array(z.object({ title: z.string(), startTime: z.string() })),
    }),
    annotations: { readOnlyHint: true },
  },
  ({ date }) => ({
    date,
    events: events
      .filter((event) => event.date === date)
      .map(({ title, startTime }) => ({ title, startTime })),
  }),
);

const { url } = await server.start({
  host: process.env.HOST ?? "127.0.0.1",
  port: Number(process.env.PORT ?? 8080),
  // SIGTERM: a balancer has this long to see /ready fail before new calls are refused.
  drainDelayMs: Number(process.env.DRAIN_DELAY_MS ?? 5_000),
  drainTimeoutMs: 20_000,
  signals: true,
});
console.log(`MCP server at ${url}`);
