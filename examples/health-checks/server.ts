import { APIKeyAuth } from "@backplane/auth";
import { HealthChecker, httpCheck, redisCheck } from "@backplane/monitoring";
import { diskSpaceCheck, eventLoopDelayCheck } from "@backplane/monitoring/node";
import { type HealthReport, MCPServer } from "@backplane/server";
import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS_URL ?? "redis://127.0.0.1:6379");
const weatherUrl = process.env.WEATHER_URL ?? "http://127.0.0.1:8081/";
const reportsUrl = process.env.REPORTS_URL ?? "http://127.0.0.1:8082/";

class CustomHealthChecker extends HealthChecker {
  readonly #loop = eventLoopDelayCheck();

  override checkHealth(): Promise<HealthReport> {
    return this.run({
      database: redisCheck(redis),
      weather_api: httpCheck(weatherUrl),
      // Without it the server still serves: degraded, and ready.
      reports: { ...httpCheck(reportsUrl), critical: false },
      disk_space: diskSpaceCheck({ path: ".", minFreeBytes: 1_000_000 }),
      event_loop: this.#loop,
    });
  }
}

const auth = new APIKeyAuth({ apiKeys: { operator: "example-key-of-the-operator" } });
const server = new MCPServer({ name: "checked-server", version: "1.0.0", auth });
server.addHealthChecker(new CustomHealthChecker({ timeoutMs: 1_000, cacheMs: 500 }));
server.onStop("redis", async () => void (await redis.quit()));

server.tool("get_weather", {}, () => "sunny");

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
