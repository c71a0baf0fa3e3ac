import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { APIKeyAuth, concurrencyLimit, type RateLimitOptions, rateLimit } from "@backplane/auth";
import { createRedisRateLimitStore } from "@backplane/auth/redis";
import type { Interceptor } from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { startServer } from "../protocol/harness/servers.ts";
import { eras } from "./attacks/attack.ts";
import { recordingLogger } from "./attacks/recording.ts";
import { apiKey, keys } from "./harness/guarded-server.ts";

const hourMs = 3_600_000;
const shared = process.env["REDIS_URL"] ?? "";
const prefix = (): string => `{test-${crypto.randomUUID()}}:`;

/** Another server object: its own authenticator, limiter and connection. */
async function replica(
  limiter: Interceptor,
  register?: (server: MCPServer) => void,
): Promise<string> {
  const apiKeys = {
    admin: keys.admin,
    other: keys.other,
    reader: { key: keys.reader, rateLimit: { limit: 4, windowMs: hourMs } },
  };
  const { server, url } = await startServer(
    (made) => {
      for (const name of ["a", "b"]) made.tool(name, { tags: ["slow"] }, () => name);
      register?.(made);
      made.use(limiter);
    },
    { auth: new APIKeyAuth({ apiKeys }) },
  );
  onTestFinished(() => server.stop());
  return url;
}

function connectTo(url: string): Redis {
  // Nothing waits for a server that is away longer than the limiter does.
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
    lazyConnect: true,
  });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/** Two server objects that share nothing but one Redis. */
async function twoReplicas(options: RateLimitOptions): Promise<readonly string[]> {
  const key = prefix();
  const limiters = await Promise.all(
    [0, 1].map(async () => {
      const client = connectTo(shared);
      await client.connect();
      return rateLimit({ ...options, store: createRedisRateLimitStore({ client, prefix: key }) });
    }),
  );
  return Promise.all(limiters.map((limiter) => replica(limiter)));
}

const count = (all: readonly { readonly status: number }[], wanted: number): number =>
  all.filter(({ status }) => status === wanted).length;

describe.each(eras)(
  "limits over two servers on one Redis, at $name",
  { tags: ["redis"] },
  (era) => {
    const many = (
      urls: readonly string[],
      key: string,
      times: number,
      tool: (index: number) => string,
    ) =>
      Promise.all(
        Array.from({ length: times }, (_, index) =>
          era.call(urls[index % 2] as string, apiKey(key), tool(index)),
        ),
      );
    const methods = ["tools/call"];

    it("[S26-40c] N calls of a principal in total, and N of another", async () => {
      const urls = await twoReplicas({ limit: 7, windowMs: hourMs, methods });
      for (const key of [keys.admin, keys.other]) {
        const answers = await many(urls, key, 20, () => "a");
        expect([count(answers, 200), count(answers, 429)]).toEqual([7, 13]);
      }
    });

    it("[S26-40c] N calls of each tool, of a group, of everybody, and of a key's own quota", async () => {
      const perTool = await twoReplicas({
        limit: 3,
        windowMs: hourMs,
        per: ["principal", "target"],
        methods,
      });
      const both = await many(perTool, keys.admin, 20, (index) => (index % 4 < 2 ? "a" : "b"));
      expect(count(both, 200)).toBe(6);
      const perGroup = await twoReplicas({ limit: 3, windowMs: hourMs, tags: ["slow"], methods });
      expect(
        count(await many(perGroup, keys.admin, 10, (index) => (index % 4 < 2 ? "a" : "b")), 200),
      ).toBe(3);
      const together = await twoReplicas({ limit: 5, windowMs: hourMs, per: "server", methods });
      const all = await Promise.all([
        many(together, keys.admin, 10, () => "a"),
        many(together, keys.other, 10, () => "b"),
      ]);
      expect(count(all.flat(), 200)).toBe(5);
      const quota = await twoReplicas({ limit: 1, windowMs: hourMs, methods });
      expect(count(await many(quota, keys.reader, 10, () => "a"), 200)).toBe(4);
    });

    it("[S26-40c] a call takes from all rules or from none, at either server", async () => {
      const rules = [
        { limit: 2, windowMs: hourMs, targets: ["a"], methods },
        { limit: 5, windowMs: hourMs, per: "server" as const, methods },
      ];
      const urls = await twoReplicas({ rules });
      const refused = await many(urls, keys.admin, 10, () => "a");
      expect(count(refused, 200)).toBe(2);
      // Eight refusals took nothing of what holds for all.
      expect(count(await many(urls, keys.admin, 10, () => "b"), 200)).toBe(3);
    });

    it("what runs at once is counted by each server for itself, as documented", async () => {
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => (end = resolve));
      const register = (server: MCPServer) =>
        void server.tool("waits", {}, async () => {
          await ended;
          return "done";
        });
      const limits = [0, 1].map(() => replica(concurrencyLimit({ max: 2, methods }), register));
      const urls = await Promise.all(limits);
      const calls = Array.from({ length: 10 }, (_, index) =>
        era.call(urls[index % 2] as string, apiKey(keys.admin), "waits"),
      );
      const refusals = new Promise<void>((resolve) => {
        let refused = 0;
        for (const each of calls)
          void each.then(({ status }) => status === 429 && ++refused === 6 && resolve());
      });
      await refusals;
      end();
      const answers = await Promise.all(calls);
      expect([count(answers, 200), count(answers, 429)]).toEqual([4, 6]);
    });
  },
);

/** A Redis of one test, which dies and comes back on the same port. */
async function ownRedis() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  const folder = mkdtempSync(join(tmpdir(), "backplane-redis-"));
  const start = async () => {
    const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    for await (const text of child.stdout) {
      if (String(text).includes("Ready to accept connections")) break;
    }
    child.stdout.resume();
    return child;
  };
  let child = await start();
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  onTestFinished(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    async restart() {
      child = await start();
    },
  };
}

describe("when Redis goes away", { tags: ["redis-server"] }, () => {
  it.each([
    // Each of two processes counts for itself: twice the limit, and no more.
    ["local", 6],
    ["open", 20],
    ["closed", 0],
  ] as const)(
    "[S26-40c] onStoreFailure %s: %i of 20 calls pass, said once, and it comes back",
    async (onStoreFailure, passing) => {
      const redis = await ownRedis();
      const [key, logger, era] = [prefix(), recordingLogger(), eras[0]];
      const made = await Promise.all(
        [0, 1].map(async () => {
          const client = connectTo(redis.url);
          await client.connect();
          const store = createRedisRateLimitStore({ client, prefix: key });
          const limiter = rateLimit({
            limit: 3,
            windowMs: hourMs,
            methods: ["tools/call"],
            store,
            onStoreFailure,
            storeTimeoutMs: 500,
            storeRetryMs: 100,
            logger,
          });
          return { client, limiter, url: await replica(limiter) };
        }),
      );
      const calls = async (who: string, times: number) => {
        const answers = [];
        for (let index = 0; index < times; index++) {
          const { url } = made[index % 2] as (typeof made)[number];
          answers.push((await era?.call(url, apiKey(who), "a")) as { status: number });
        }
        return answers;
      };
      expect(count(await calls(keys.admin, 8), 200)).toBe(3);

      await redis.kill();
      const meanwhile = await calls(keys.other, 20);
      expect([count(meanwhile, 200), count(meanwhile, 429)]).toEqual([passing, 20 - passing]);
      expect(made.map(({ limiter }) => limiter.degraded)).toEqual([true, true]);

      await redis.restart();
      for (const { client } of made) {
        while (client.status !== "ready") await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await new Promise((resolve) => setTimeout(resolve, 120));
      // It has forgotten everything, and is one limit again.
      expect(count(await calls(keys.admin, 8), 200)).toBe(3);
      expect(made.map(({ limiter }) => limiter.degraded)).toEqual([false, false]);
      const said = logger.lines.map(
        ({ level, text }) => `${level} ${/is (away|back)/.exec(text)?.[1]}`,
      );
      expect(said.sort()).toEqual(["info back", "info back", "warn away", "warn away"]);
    },
  );
});
