import { createRedisRateLimitStore } from "@backplane/auth/redis";
import { MCPCache } from "@backplane/cache";
import { createRedisConnection, createRedisEventBus } from "@backplane/cache/redis";
import { type Check, type Logs, redisCheck } from "@backplane/monitoring";
import type { RateLimitStore } from "@backplane/protocol";
import type { MCPServerOptions } from "@backplane/server";
import { createRedisEventLog, createRedisSessionStore } from "@backplane/server/redis";
import type { Config } from "./config.ts";

/** What replicas have in common: in Redis when there is one, else everything is in memory, each process for itself. */
export interface SharedParts {
  readonly server: Pick<MCPServerOptions, "eventBus" | "eventLog" | "sessionStore">;
  readonly rateLimits: RateLimitStore | undefined;
  readonly cache: MCPCache;
  readonly checks: Readonly<Record<string, Check>>;
  close(): Promise<void>;
}

const WEATHER_TTL_MS = 600_000;

/** Does not wait for Redis: what needs it does, and while it is away the health report says so. */
export async function openSharedParts(
  { redisUrl, redisPrefix }: Pick<Config, "redisUrl" | "redisPrefix">,
  logs: Logs,
): Promise<SharedParts> {
  const caching = {
    name: "reference",
    defaultTtlMs: WEATHER_TTL_MS,
    logger: logs.channel("cache"),
  };
  if (redisUrl === undefined) {
    const cache = new MCPCache(caching);
    return {
      server: {},
      rateLimits: undefined,
      cache,
      checks: {},
      close: () => cache.close(),
    };
  }
  const connection = createRedisConnection({ url: redisUrl });
  const { client } = connection;
  const prefix = (part: string) => `{${redisPrefix}}:${part}:`;
  const eventBus = createRedisEventBus({
    connection,
    prefix: prefix("bus"),
    logger: logs.channel("event bus"),
  });
  // In front of Redis stands memory, which serves alone while Redis is away.
  const cache = new MCPCache({ ...caching, backend: "tiered", client, prefix: prefix("cache") });
  await connection.ready();
  return {
    server: {
      eventBus,
      eventLog: createRedisEventLog({ client, prefix: prefix("events") }),
      sessionStore: createRedisSessionStore({ client, prefix: prefix("sessions") }),
    },
    rateLimits: createRedisRateLimitStore({ client, prefix: prefix("rate") }),
    cache,
    // Modern clients are served without it, so it takes nothing out of service.
    checks: { redis: { ...redisCheck(client), critical: false } },
    async close() {
      await cache.close();
      await eventBus.close();
      await connection.close();
    },
  };
}
