import { caching, MCPCache } from "@backplane/cache";
import { MCPServer, MCPTool } from "@backplane/server";
import { z } from "zod";

// In memory, or in Redis for all replicas. A Redis that is away costs hits, never a request.
const url = process.env.REDIS_URL;
const cache = url
  ? new MCPCache({ backend: "redis", url, prefix: "{caching-example}:", defaultTtlMs: 300_000 })
  : new MCPCache({ defaultTtlMs: 300_000 });

const server = new MCPServer({ name: "cached-weather", version: "1.0.0" });
let requests = 0;

/** Stands for a service that is slow and counts. */
async function fetchWeather(location: string): Promise<{ location: string; request: number }> {
  return { location, request: ++requests };
}

// By hand: look, fetch, keep.
const location = z.object({ location: z.string().min(1) });
class CachedWeatherTool extends MCPTool<typeof location> {
  override readonly name = "weather_by_hand";
  override readonly options = { input: location };

  override async execute({ location }: { location: string }): Promise<unknown> {
    const key = `weather:${location}`;
    const kept = await cache.get(key);
    if (kept !== undefined) return kept;
    const result = await fetchWeather(location);
    await cache.set(key, result, { ttlMs: 300_000 });
    return result;
  }
}
server.addTool(new CachedWeatherTool());

// The same in one step: all who ask at once share one request, old weather is better than none, and
// whatever carries a tag can be forgotten together.
server.tool("weather", { input: location }, ({ location }) =>
  cache.getOrSet(`shared:${location}`, () => fetchWeather(location), {
    ttlMs: 60_000,
    staleWhileRevalidateMs: 60_000,
    graceMs: 3_600_000,
    tags: ["weather"],
  }),
);
server.tool("new_forecast", {}, async () => {
  await cache.invalidateTags("weather");
  return "old weather is forgotten";
});

// Without a line in the handler: the tool says that its result may be kept, and the interceptor keeps it,
// for each caller apart.
server.tool(
  "forecast",
  { input: location, annotations: { readOnlyHint: true }, cacheHint: { ttlMs: 300_000 } },
  ({ location }) => fetchWeather(location),
);
server.use(caching(cache));

// `/ready` says "degraded" while Redis is away.
server.addHealthChecker(cache);
server.onStop("cache", () => cache.close());

const { url: endpoint } = await server.start({
  port: Number(process.env.PORT ?? 8080),
  signals: true,
});
console.log(`listening on ${endpoint}`);
