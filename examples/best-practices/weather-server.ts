import { APIKeyAuth, policy, rateLimit } from "@backplane/auth";
import { MCPCache } from "@backplane/cache";
import { HealthChecker, MCPMetrics } from "@backplane/monitoring";
import { prometheus } from "@backplane/monitoring/prometheus";
import { MCPServer, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

/** Where the weather comes from. Fails when it is away. */
export type WeatherService = (
  location: string,
) => Promise<{ readonly celsius: number } | undefined>;

// 2. Error handling: every code has a meaning, in one place.
export const errorCodes = {
  "-1001": "There is no such location. Ask for another one.",
  "-2001": "The weather service is away. Try again after retryAfterMs.",
};

export interface WeatherServerOptions {
  readonly service: WeatherService;
  readonly apiKeys: Readonly<Record<string, { readonly key: string; readonly roles?: string[] }>>;
}

export function createWeatherServer({ service, apiKeys }: WeatherServerOptions) {
  // 3. Authentication: keys for programs; users would bring tokens (OAuthResourceServer).
  const auth = new APIKeyAuth({ apiKeys });
  const server = new MCPServer({ name: "weather", version: "1.0.0", auth, policy: policy() });
  server.use(rateLimit({ limit: 600, windowMs: 60_000 }));

  // 4. Performance: what has been fetched is kept, and who asks at once shares one request.
  const cache = new MCPCache({ defaultTtlMs: 60_000 });
  server.onStop("cache", () => cache.close());

  // 5. Monitoring: numbers for Prometheus, and /ready that knows what the server depends on.
  const metrics = new MCPMetrics({ server });
  server.addRoute(prometheus(metrics));
  let lastFailure: string | undefined;
  server.addHealthChecker(
    new HealthChecker({
      checks: {
        weather_service: {
          critical: false,
          check: () =>
            lastFailure === undefined
              ? { status: "healthy" }
              : { status: "unhealthy", message: lastFailure },
        },
      },
      cacheMs: 1,
    }),
  );

  async function temperature(location: string): Promise<number> {
    try {
      const found = await cache.getOrSet(`weather:${location}`, () => service(location));
      lastFailure = undefined;
      if (found !== undefined) return found.celsius;
    } catch (cause) {
      lastFailure = "the weather service is away";
      throw new ToolExecutionError(-2001, errorCodes["-2001"], { retryAfterMs: 100, cause });
    }
    throw new ToolExecutionError(-1001, errorCodes["-1001"], { data: { location } });
  }

  // 1. Tool design: one tool, one purpose. 7. Documentation: input, output, and what can go wrong.
  server.tool(
    "get_temperature",
    {
      description: "The temperature at a location. Errors: -1001, -2001 (see docs://errors).",
      input: z.object({ location: z.string().min(1).describe("Name of a town") }),
      output: z.object({ location: z.string(), celsius: z.number().describe("In °C") }),
      annotations: { readOnlyHint: true },
    },
    async ({ location }) => ({ location, celsius: await temperature(location) }),
  );
  server.tool(
    "forget_temperatures",
    {
      description: "Fetches everything anew from now on. For operators. No errors of its own.",
      input: z.object({}),
      output: z.object({ done: z.boolean() }),
      annotations: { idempotentHint: true },
      roles: ["operator"],
    },
    async () => {
      await cache.clear();
      return { done: true };
    },
  );
  server.resource("docs://errors", { name: "errors", mimeType: "application/json" }, () =>
    JSON.stringify(errorCodes),
  );
  return { server, metrics };
}
