import { APIKeyAuth, concurrencyLimit, type RateLimiter, rateLimit } from "@backplane/auth";
import { createRedisRateLimitStore } from "@backplane/auth/redis";
import { createRedisConnection } from "@backplane/cache/redis";
import type { Interceptor } from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startRedis } from "../../packages/cache/src/redis/redis-server.test-support.ts";
import { callTool, modern } from "../protocol/harness/http.ts";
import { openSession } from "../protocol/harness/legacy-session.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { apiKey, keys } from "./harness/guarded-server.ts";

const hourMs = 3_600_000;
const quota = { key: keys.reader, rateLimit: { limit: 5, windowMs: hourMs } };

function auth(): APIKeyAuth {
  return new APIKeyAuth({ apiKeys: { admin: keys.admin, other: keys.other, reader: quota } });
}

async function start(limiter: Interceptor, watched = false): Promise<string> {
  const register = (server: MCPServer): void => {
    server.tool("a", {}, () => "a");
    server.tool("b", { tags: ["costly"] }, () => "b");
    server.tool("c", { tags: ["costly"] }, () => "c");
    server.tool(
      "hold",
      { tags: ["slow"] },
      () => new Promise<string>((resolve) => held.push(() => resolve("done"))),
    );
    server.resource("test://costly", { tags: ["costly"] }, () => "r");
    server.prompt("p", { arguments: { x: { complete: () => ["x"] } } }, () => "p");
    server.use(limiter);
    if (watched) server.addHealthChecker(limiter as RateLimiter);
  };
  const { server, url } = await startServer(register, { auth: auth() });
  onTestFinished(() => server.stop());
  return url;
}

/** Lets go those who run in `hold`. */
const held: (() => void)[] = [];

const as = (key: string) => ({ headers: apiKey(key) });

describe("a rate limit", () => {
  it("[S26-40c] refuses tool calls that come too often with 429 and Retry-After, in both eras", async () => {
    const url = await start(rateLimit({ limit: 2, windowMs: hourMs, methods: ["tools/call"] }));
    for (const name of ["a", "b"])
      expect((await callTool(url, name, {}, as(keys.admin))).status).toBe(200);
    const refused = await callTool(url, "a", {}, as(keys.admin));
    expect(refused.status).toBe(429);
    const { error } = refused.message ?? {};
    expect(error).toMatchObject({ code: -1429, message: "Rate limit exceeded" });
    const retryAfterMs = Number(error?.data?.["retryAfterMs"]);
    expect(Number(refused.headers["retry-after"])).toBe(Math.ceil(retryAfterMs / 1_000));
    // Lists go on, and so does everybody else.
    expect((await modern(url, "tools/list", {}, as(keys.admin))).status).toBe(200);
    expect((await callTool(url, "a", {}, as(keys.other))).status).toBe(200);
    const session = await openSession(url, as(keys.admin));
    const legacy = await session.callTool("a");
    expect(legacy.status).toBe(429);
    expect(legacy.message?.error?.code).toBe(-1429);
  });

  it("[S26-45b] holds for completions", async () => {
    const url = await start(
      rateLimit({ limit: 1, windowMs: hourMs, methods: ["completion/complete"] }),
    );
    const params = { ref: { type: "ref/prompt", name: "p" }, argument: { name: "x", value: "" } };
    const statuses = [1, 2].map(
      async () => (await modern(url, "completion/complete", params, as(keys.admin))).status,
    );
    expect((await Promise.all(statuses)).sort()).toEqual([200, 429]);
  });

  it("[S26-40c] is not evaded by connections, sessions, names or headers", async () => {
    const url = await start(rateLimit({ limit: 3, windowMs: hourMs }));
    const tries = [
      () =>
        callTool(
          url,
          "a",
          {},
          { headers: { ...apiKey(keys.admin), "x-forwarded-for": "10.0.0.9" } },
        ),
      () => callTool(url, "a", { extra: 1 }, { headers: { "X-API-KEY": keys.admin } }),
      () => callTool(url, "b", {}, { ...as(keys.admin), id: "another" }),
      () => callTool(url, "a", {}, { ...as(keys.admin), meta: { x: 1 } }),
    ];
    const statuses: number[] = [];
    for (const attempt of [...tries, ...tries]) statuses.push((await attempt()).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
  });

  it("[S26-40c] follows the quota of a key", async () => {
    const url = await start(rateLimit({ limit: 1, windowMs: hourMs, methods: ["tools/call"] }));
    const statuses: number[] = [];
    for (let index = 0; index < 7; index++) {
      statuses.push((await callTool(url, "a", {}, as(keys.reader))).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
  });

  it("[S26-40c] is one limit for two servers on one Redis", { tags: ["redis"] }, async () => {
    const prefix = `{test-${crypto.randomUUID()}}:`;
    const urls = await Promise.all(
      [0, 1].map(() => {
        const client = new Redis(process.env["REDIS_URL"] ?? "");
        onTestFinished(async () => void (await client.quit()));
        const store = createRedisRateLimitStore({ client, prefix });
        return start(rateLimit({ limit: 10, windowMs: hourMs, store }));
      }),
    );
    const calls = Array.from({ length: 40 }, (_, index) =>
      callTool(urls[index % 2] as string, "a", {}, as(keys.admin)),
    );
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(30);
  });

  it("[S26-40c] holds for a group by tag, over tools and resources, with a cost for each call", async () => {
    const limiter = rateLimit({
      limit: 5,
      windowMs: hourMs,
      tags: ["costly"],
      cost: ({ method }) => (method === "resources/read" ? 3 : 1),
    });
    const url = await start(limiter);
    const { admin } = keys;
    const read = () => modern(url, "resources/read", { uri: "test://costly" }, as(admin));
    expect((await callTool(url, "b", {}, as(admin))).status).toBe(200);
    expect((await callTool(url, "c", {}, as(admin))).status).toBe(200);
    expect((await read()).status).toBe(200);
    expect((await read()).status).toBe(429);
    expect((await callTool(url, "b", {}, as(admin))).status).toBe(429);
    expect((await callTool(url, "a", {}, as(admin))).status).toBe(200);
  });
});

it("a rate limit whose store is away is shown to whoever may read the details, and the server is ready", async () => {
  const limiter = rateLimit({
    limit: 5,
    windowMs: hourMs,
    store: { take: () => Promise.reject(new Error("away")), close: async () => {} },
  });
  const url = await start(limiter, true);
  expect((await callTool(url, "a", {}, as(keys.admin))).status).toBe(200);
  const details = await fetch(new URL("/health/details", url), {
    headers: { "x-api-key": keys.admin },
  });
  expect(await details.json()).toMatchObject({
    status: "degraded",
    checks: { rate_limit_store: { status: "degraded" } },
  });
  expect((await fetch(new URL("/ready", url))).status).toBe(200);
});

it("a rate limit counts in its Redis again as soon as that takes writes again, though nobody calls", {
  tags: ["redis-server"],
}, async () => {
  const redis = await startRedis();
  const { client, ready, close } = createRedisConnection({ port: redis.port });
  onTestFinished(async () => {
    await close();
    await redis.close();
  });
  await ready();
  const store = createRedisRateLimitStore({ client });
  const limiter = rateLimit({ limit: 5, windowMs: hourMs, store, storeRetryMs: 50 });
  const url = await start(limiter, true);
  const call = async () => (await callTool(url, "a", {}, as(keys.admin))).status;
  expect(await call()).toBe(200);
  const wait = { timeout: 10_000 };
  const troubles = [
    [() => redis.kill(), () => redis.start()],
    [
      () => redis.admin().config("SET", "maxmemory", "1"),
      () => redis.admin().config("SET", "maxmemory", "0"),
    ],
  ] as const;
  for (const [begin, end] of troubles) {
    await begin();
    await expect.poll(async () => [await call(), limiter.degraded], wait).toEqual([200, true]);
    // Long enough for several tries, which must not believe an answer that counts nothing.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(limiter.degraded).toBe(true);
    await end();
    await expect.poll(() => limiter.degraded, wait).toBe(false);
  }
});

describe("a concurrency limit", () => {
  it("refuses with 429 what is too much at once, in both eras, and lets in what comes after", async () => {
    const url = await start(concurrencyLimit({ max: 2, tags: ["slow"] }));
    const session = await openSession(url, as(keys.admin));
    const running = [1, 2].map(() => callTool(url, "hold", {}, as(keys.admin)));
    await vi.waitFor(() => expect(held).toHaveLength(2));
    // Other groups, and other principals, are not counted with it.
    expect((await callTool(url, "a", {}, as(keys.admin))).status).toBe(200);
    const refused = await callTool(url, "hold", {}, as(keys.admin));
    expect(refused.status).toBe(429);
    expect(refused.headers["retry-after"]).toBe("1");
    expect((await session.callTool("hold")).status).toBe(429);
    running.push(callTool(url, "hold", {}, as(keys.other)));
    await vi.waitFor(() => expect(held).toHaveLength(3));
    for (const end of held.splice(0)) end();
    for (const answer of await Promise.all(running)) expect(answer.status).toBe(200);
    const next = session.callTool("hold");
    await vi.waitFor(() => expect(held).toHaveLength(1));
    held.pop()?.();
    expect((await next).status).toBe(200);
  });
});
