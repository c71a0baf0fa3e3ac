import { APIKeyAuth } from "@backplane/auth";
import { MCPMetrics } from "@backplane/monitoring";
import { prometheus } from "@backplane/monitoring/prometheus";
import { MCPServer, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

const auth = new APIKeyAuth({ apiKeys: { prometheus: "example-key-of-prometheus" } });
const server = new MCPServer({ name: "monitored-server", version: "1.0.0", auth });

const metrics = new MCPMetrics({
  server,
  collectRequestDuration: true,
  collectToolExecutionStats: true,
  collectErrorRates: true,
});
server.addRoute(prometheus(metrics));

server.tool("get_weather", { input: z.object({ location: z.string() }) }, ({ location }) => {
  if (location === "Atlantis") throw new ToolExecutionError(404, "no such place");
  return { location, temperature: 22 };
});

server.tool("get_stats", { description: "What this server has done so far" }, async () => {
  const stats = await metrics.getStats();
  return {
    totalRequests: stats.totalRequests,
    averageResponseTimeMs: stats.averageResponseTimeMs,
    p99Ms: stats.responseTime?.p99Ms,
    errorRate: stats.errorRate,
    weather: stats.tools["get_weather"],
  };
});

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
