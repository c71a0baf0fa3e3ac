// @module-tag redis-server
import { caching, MCPCache, type MCPCacheOptions } from "@backplane/cache";
import type { MCPClient } from "@backplane/client";
import { type CacheStateEvent, CHANNELS, type Logger } from "@backplane/protocol";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import {
  type RedisServer,
  startRedis,
} from "../../packages/cache/src/redis/redis-server.test-support.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { clientOf } from "./harness/clients.ts";

interface Rig {
  readonly redis: RedisServer;
  readonly cache: MCPCache;
  readonly client: MCPClient;
  readonly logged: readonly string[];
  readonly states: readonly boolean[];
  readonly runs: () => number;
  readonly ready: () => Promise<string>;
  readonly ask: (city: string) => Promise<unknown>;
}

/** A server whose tool is cached in a Redis of its own. */
async function rig(
  backend: "redis" | "tiered",
  redis: RedisServer,
  more: Partial<MCPCacheOptions> = {},
): Promise<Rig> {
  const logged: string[] = [];
  const note = (_fields: object, message: string): void => void logged.push(message);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const name = `c${crypto.randomUUID()}`;
  const states: boolean[] = [];
  const onState = (event: unknown): void => {
    const { cache, degraded } = event as CacheStateEvent;
    if (cache === name) states.push(degraded);
  };
  CHANNELS.cacheState.subscribe(onState);
  const cache = new MCPCache({
    backend,
    name,
    host: "127.0.0.1",
    port: redis.port,
    timeoutMs: 200,
    retryMs: 100,
    logger,
    ...more,
  } as MCPCacheOptions);
  let runs = 0;
  const { server, url } = await startServer((made) => {
    made.tool(
      "weather",
      {
        input: z.object({ city: z.string() }),
        annotations: { readOnlyHint: true },
        cacheHint: { ttlMs: 60_000 },
      },
      ({ city }) => ({ city, run: ++runs }),
    );
    made.use(caching(cache));
    made.addHealthChecker(cache);
  });
  onTestFinished(async () => {
    CHANNELS.cacheState.unsubscribe(onState);
    await server.stop();
    await cache.close();
    await redis.close();
  });
  const client = await clientOf(url, "2026-07-28");
  return {
    redis,
    cache,
    client,
    logged,
    states,
    runs: () => runs,
    ready: async () => {
      const response = await fetch(new URL("/ready", url));
      return `${response.status} ${((await response.json()) as { status: string }).status}`;
    },
    ask: (city) => client.call("weather", { city }),
  };
}

/** Calls without a pause from several callers, until told to stop; every answer must be right. */
function load({ ask }: Rig): () => Promise<number> {
  let stopped = false;
  let calls = 0;
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    while (!stopped) {
      const city = `city ${(calls + caller) % 20}`;
      expect(await ask(city)).toMatchObject({ city });
      calls++;
    }
  });
  return async () => {
    stopped = true;
    await Promise.all(callers);
    return calls;
  };
}

const WAIT = { timeout: 10_000 };

describe.each(["redis", "tiered"] as const)("Redis is killed under load: %s", (backend) => {
  it("no request fails, /ready says so, and it is used again when it is back", async () => {
    const rigged = await rig(backend, await startRedis());
    const { redis, cache, ready, states, logged, ask } = rigged;
    await ask("first");
    expect(await ready()).toBe("200 ready");
    const stop = load(rigged);
    await redis.kill();
    await expect.poll(() => ready(), WAIT).toBe("200 degraded");
    expect(cache.degraded).toBe(true);
    // Memory serves meanwhile: what is asked for twice runs once.
    const first = await ask("while it is away");
    expect(await ask("while it is away")).toEqual(first);
    await redis.start();
    await expect.poll(() => ready(), WAIT).toBe("200 ready");
    await expect.poll(() => redis.admin().dbsize(), WAIT).toBeGreaterThan(0);
    expect(await stop()).toBeGreaterThan(50);
    expect(states).toEqual([true, false]);
    expect(logged.filter((line) => line.includes("cache store is away"))).toHaveLength(1);
    expect(logged.filter((line) => line.includes("cache store is back"))).toHaveLength(1);
  });
});

describe("Redis misbehaves", () => {
  it("stalls: nothing waits for it longer than its deadline", async () => {
    const rigged = await rig("redis", await startRedis());
    const { redis, cache, ready, ask, states } = rigged;
    await ask("a");
    redis.stall();
    const stop = load(rigged);
    await expect.poll(() => ready(), WAIT).toBe("200 degraded");
    await stop();
    redis.resume();
    await expect.poll(() => cache.degraded, WAIT).toBe(false);
    expect(states).toEqual([true, false]);
    expect(await ask("a")).toMatchObject({ city: "a" });
  });

  it("is full: reads go on in memory, and it is used again when there is room", async () => {
    const rigged = await rig("redis", await startRedis());
    const { redis, cache, ready, ask, states, runs } = rigged;
    await ask("a");
    const admin = redis.admin();
    await admin.config("SET", "maxmemory", "1");
    await ask("b");
    await expect.poll(() => ready(), WAIT).toBe("200 degraded");
    await ask("b");
    const before = runs();
    await ask("b");
    expect(runs()).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(states).toEqual([true]);
    await admin.config("SET", "maxmemory", "0");
    await expect.poll(() => cache.degraded, WAIT).toBe(false);
  });

  it("is a replica that takes no writes", async () => {
    const primary = await startRedis();
    onTestFinished(() => primary.close());
    const replica = await startRedis("--replicaof", "127.0.0.1", String(primary.port));
    const { ready, ask, runs, states } = await rig("redis", replica);
    await ask("a");
    await ask("a");
    expect(runs()).toBe(1);
    expect(await ready()).toBe("200 degraded");
    expect(states).toEqual([true]);
  });

  it("is not there at the start: the first request does not wait for it, and later ones use it", async () => {
    const redis = await startRedis();
    await redis.kill();
    const { ask, ready, cache, runs } = await rig("redis", redis);
    await ask("a");
    await ask("a");
    expect(runs()).toBe(1);
    expect(await ready()).toBe("200 degraded");
    await redis.start();
    await expect.poll(() => cache.degraded, WAIT).toBe(false);
    await expect.poll(() => ready(), WAIT).toBe("200 ready");
  });

  it("holds what nobody here wrote: that is a miss, and replaced", async () => {
    const { redis, ask, runs, cache } = await rig("redis", await startRedis());
    await ask("a");
    const admin = redis.admin();
    const keys = await admin.keys("*e:*");
    const poisons = ["", "garbage", "bp1\n", '{"content":[]}', "bp9\n1\nk\n9999999999999\n\n{}"];
    for (const poison of poisons) {
      for (const key of keys) await admin.set(key, poison, "PX", 60_000);
      const before = runs();
      expect(await ask("a")).toMatchObject({ city: "a" });
      expect(runs()).toBe(before + 1);
      await ask("a");
      expect(runs()).toBe(before + 1);
    }
    // Of another type it cannot even be read: two of those, and memory serves until the key can be written.
    for (const key of keys) {
      await admin.del(key);
      await admin.hset(key, "a", "1");
    }
    expect(await ask("a")).toMatchObject({ city: "a" });
    await expect.poll(() => cache.degraded, WAIT).toBe(false);
    expect(await ask("a")).toMatchObject({ city: "a" });
  });
});
