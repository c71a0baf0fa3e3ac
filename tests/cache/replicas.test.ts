// @module-tag redis
import { caching, MCPCache } from "@backplane/cache";
import { createRedisConnection, createRedisEventBus } from "@backplane/cache/redis";
import type { MCPClient } from "@backplane/client";
import type { MCPServer } from "@backplane/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { redisUrl } from "../../packages/cache/src/redis/redis-server.test-support.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { clientOf, revisions } from "./harness/clients.ts";

const url = redisUrl;

/** Server objects that share nothing but Redis: each its own connections, bus and cache. */
async function replicas(
  backend: "redis" | "tiered" | "memory",
  register: (server: MCPServer) => void,
): Promise<readonly { server: MCPServer; url: string; cache: MCPCache }[]> {
  const id = crypto.randomUUID();
  return Promise.all(
    [0, 1].map(async () => {
      const connection = createRedisConnection({ url });
      const eventBus = createRedisEventBus({ connection, prefix: `test-${id}:` });
      const cache = new MCPCache(
        backend === "memory" ? {} : { backend, url, prefix: `{test-${id}}:` },
      );
      const running = await startServer(
        (server) => {
          register(server);
          server.use(caching(cache));
        },
        { eventBus },
      );
      onTestFinished(async () => {
        await running.server.stop();
        await cache.clear().catch(() => {});
        await cache.close();
        await eventBus.close();
        await connection.close();
      });
      return { ...running, cache };
    }),
  );
}

describe.each(revisions)("two server objects over one Redis, %s", (revision) => {
  it("a change that one sees reaches the clients of the other", async () => {
    const [here, there] = await replicas("memory", (server) => {
      server.resource("note://one", {}, () => "text");
      server.tool("a", {}, () => "");
    });
    const client = await clientOf(there?.url as string, revision);
    const heard: string[] = [];
    await client.listen(
      { toolsListChanged: true, resourceSubscriptions: ["note://one"] },
      {
        onChange: (event) => heard.push(event.kind === "resource" ? event.uri : event.kind),
      },
    );
    here?.server.resourceUpdated("note://one");
    here?.server.resourceUpdated("note://two");
    here?.server.tool("b", {}, () => "");
    await expect.poll(() => heard.toSorted()).toEqual(["note://one", "tools"]);
  });

  it.each(["redis", "tiered", "memory"] as const)(
    "a client that heard of a change reads what is new from every replica: %s",
    async (backend) => {
      let text = "old";
      const [here, there] = await replicas(backend, (server) => {
        server.resource("note://one", { cacheHint: { ttlMs: 60_000 } }, () => text);
      });
      const clients = await Promise.all(
        [here, there].map((each) => clientOf(each?.url as string, revision)),
      );
      const read = async (index: number): Promise<string> => {
        const result = await (clients[index] as MCPClient).readResource("note://one");
        return (result.contents[0] as { text: string }).text;
      };
      expect([await read(0), await read(1), await read(1)]).toEqual(["old", "old", "old"]);
      // With a shared store one replica has read for both.
      const misses = [here, there].map((each) => each?.cache.stats().misses);
      expect(misses).toEqual(backend === "memory" ? [1, 1] : [1, 0]);
      const fresh: string[] = [];
      for (const index of [0, 1]) {
        await clients[index]?.subscribe("note://one", () => {
          void read(index).then((seen) => fresh.push(seen));
        });
      }
      text = "new";
      here?.server.resourceUpdated("note://one");
      await expect.poll(() => fresh).toEqual(["new", "new"]);
    },
  );
});

describe("MCPCache over Redis", () => {
  it("loads once for two processes, and tells nobody what the arguments were", async () => {
    let runs = 0;
    const [here, there] = await replicas("redis", (server) => {
      server.tool(
        "slow",
        { annotations: { readOnlyHint: true }, cacheHint: { ttlMs: 60_000 } },
        async () => {
          runs++;
          await new Promise((resolve) => setTimeout(resolve, 100));
          return "answer";
        },
      );
    });
    const clients = await Promise.all(
      [here, there].map((each) => clientOf(each?.url as string, "2026-07-28")),
    );
    const args = { secret: "hunter2" };
    const all = await Promise.all([0, 1, 0, 1].map((index) => clients[index]?.call("slow", args)));
    expect(all).toEqual(["answer", "answer", "answer", "answer"]);
    expect(runs).toBe(1);
    const { client, ready, close } = createRedisConnection({ url });
    await ready();
    const keys = await client.keys("{test-*");
    for (const key of keys) {
      expect(key).not.toContain("hunter2");
      // Other tests keep sets and hashes in the same Redis.
      if ((await client.type(key)) !== "string") continue;
      const value = await client.get(key);
      expect(value ?? "").not.toContain("hunter2");
    }
    expect(keys.length).toBeGreaterThan(0);
    await close();
  });
});
