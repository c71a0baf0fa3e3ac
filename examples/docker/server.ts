import { createLogs, type LogThreshold } from "@backplane/monitoring";
import { MCPServer } from "@backplane/server";
import { z } from "zod";

const { env } = process;
const level = (env.LOG_LEVEL ?? "info").toLowerCase() as LogThreshold;

const server = new MCPServer({
  name: env.SERVER_NAME ?? "my-mcp-server",
  version: "1.0.0",
  logger: createLogs({ level }).channel("server"),
  ...(env.ALLOWED_HOSTS !== undefined && { allowedHosts: env.ALLOWED_HOSTS.split(",") }),
});

server.tool(
  "get_weather",
  { description: "Current weather", input: z.object({ location: z.string().min(1) }) },
  ({ location }) => ({ location, temperature: 22, condition: "sunny" }),
);

const { url } = await server.start({
  host: env.HOST ?? "127.0.0.1",
  port: Number(env.PORT ?? 8080),
  drainDelayMs: Number(env.DRAIN_DELAY_MS ?? 5_000),
  drainTimeoutMs: 10_000,
  signals: true,
});
console.log(`MCP server at ${url}`);
