import { tracing } from "@backplane/monitoring";
import { MCPServer } from "@backplane/server";
import { z } from "zod";
import { startOpenTelemetry } from "./open-telemetry.ts";

const provider = startOpenTelemetry("weather-server");

const server = new MCPServer({ name: "weather-server", version: "1.0.0" });
server.use(tracing());

const upstream = process.env.WEATHER_URL ?? "http://127.0.0.1:8081/";
server.tool("get_weather", { input: z.object({ location: z.string() }) }, async ({ location }) => {
  // The instrumentation of undici makes this a span of the same trace, and sends its context along.
  const response = await fetch(new URL(encodeURIComponent(location), upstream));
  return response.text();
});

server.onStop("spans", () => provider.shutdown());
const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
