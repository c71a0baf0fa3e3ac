import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyValueStoreChaosSuite, keyValueStoreSuite } from "@backplane/protocol/test-suite";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MCPCache } from "../mcp-cache.ts";
import { cacheChaosSuite } from "../test-suite/index.ts";
import { createRedisConnection } from "./connection.ts";
import { type RedisServer, redisUrl, startRedis } from "./redis-server.test-support.ts";
import { createRedisStore } from "./redis-store.ts";

const url = redisUrl;
const connection = createRedisConnection({ url });
const client = new Redis(url, { lazyConnect: true });
afterAll(async () => {
  await connection.close();
  client.disconnect();
});

const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const prefix = (): string => `{test-${crypto.randomUUID()}*?[a]}:`;

describe("over a connection of its own", { tags: ["redis", "redis-server"] }, () => {
  keyValueStoreSuite(
    { describe, it, expect },
    async () => {
      await connection.ready();
      return createRedisStore({ connection, prefix: prefix() });
    },
    { passTime },
  );
});

describe("over a connection, late and failing", { tags: ["redis", "redis-server"] }, () => {
  keyValueStoreChaosSuite(
    { describe, it, expect },
    async ({ chaotic }) => {
      await connection.ready();
      return chaotic(createRedisStore({ connection, prefix: prefix() }));
    },
    { passTime },
  );
});

describe("over a connection whose commands are late and fail", {
  tags: ["redis", "redis-server"],
}, () => {
  keyValueStoreChaosSuite(
    { describe, it, expect },
    async ({ chaotic }) => {
      await connection.ready();
      const failing = { ...connection, client: chaotic(connection.client) };
      return createRedisStore({ connection: failing, prefix: prefix() });
    },
    { passTime },
  );
});

describe("a cache over a connection", { tags: ["redis", "redis-server"] }, () => {
  cacheChaosSuite({ describe, it, expect }, async ({ chaotic }) => {
    await connection.ready();
    return chaotic(createRedisStore({ connection, prefix: prefix() }));
  });
});

describe("over a cluster", { tags: ["redis", "redis-server"] }, () => {
  let server: RedisServer;
  let cluster: Cluster;
  beforeAll(async () => {
    server = await startRedis(
      "--cluster-enabled",
      "yes",
      "--cluster-announce-ip",
      "127.0.0.1",
      "--cluster-config-file",
      join(mkdtempSync(join(tmpdir(), "cluster-")), "nodes.conf"),
    );
    const admin = server.admin();
    await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    cluster = new Cluster([{ host: "127.0.0.1", port: server.port }], {
      clusterRetryStrategy: () => 50,
    });
    await vi.waitFor(() => cluster.set("{a}ready", "1"), { timeout: 10_000, interval: 50 });
  });
  afterAll(async () => {
    cluster.disconnect();
    await server.close();
  });

  it("keeps the store's keys together, so that many are read at once", async () => {
    const store = createRedisStore({ client: cluster, prefix: prefix() });
    const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => store.set(key, key, 60_000)));
    expect(await store.getMany(keys)).toEqual(keys);
    await store.clear("k1");
    expect(await store.getMany(["k1", "k10", "k2"])).toEqual([undefined, undefined, "k2"]);
    await store.delete(keys);
    expect(await store.getMany(["k2"])).toEqual([undefined]);
  });
});

describe("a cache of two processes, by options that are passed on", {
  tags: ["redis", "redis-server"],
}, () => {
  const servers: RedisServer[] = [];
  afterAll(() => Promise.all(servers.map((server) => server.close())));
  const folder = mkdtempSync(join(tmpdir(), "topology-"));

  async function clusterOptions(): Promise<object> {
    const config = join(folder, "nodes.conf");
    const options = ["--cluster-enabled", "yes", "--cluster-config-file", config];
    const server = await startRedis(...options, "--cluster-announce-ip", "127.0.0.1");
    servers.push(server);
    const admin = server.admin();
    await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await vi.waitFor(() => admin.set("{a}ready", "1"), { timeout: 10_000, interval: 50 });
    return { cluster: { nodes: [{ host: "127.0.0.1", port: server.port }] } };
  }

  async function sentinelOptions(): Promise<object> {
    const primary = await startRedis();
    const config = join(folder, "sentinel.conf");
    writeFileSync(config, `sentinel monitor main 127.0.0.1 ${primary.port} 1\n`);
    const sentinel = await startRedis(config, "--sentinel");
    servers.push(primary, sentinel);
    const sentinels = [{ host: "127.0.0.1", port: sentinel.port }];
    return { redis: { sentinels, name: "main" } };
  }

  it.each([
    ["a cluster", clusterOptions],
    ["a sentinel", sentinelOptions],
  ])("%s", async (_name, start) => {
    const where = await start();
    for (const backend of ["redis", "tiered"] as const) {
      const options = { ...where, backend, prefix: prefix(), timeoutMs: 5_000 };
      const [here, there] = [new MCPCache(options), new MCPCache(options)];
      let loads = 0;
      const load = () => `load ${++loads}`;
      const ask = () => Promise.all([here, there].map((each) => each.getOrSet("k", load)));
      expect(await ask()).toEqual(["load 1", "load 1"]);
      await here.namespace("inner").set("k", "inner");
      await there.clear();
      await expect.poll(() => here.namespace("inner").get("k")).toBeUndefined();
      await expect.poll(() => here.get("k")).toBeUndefined();
      expect([here.degraded, there.degraded]).toEqual([false, false]);
      await Promise.all([here.close(), there.close()]);
    }
  });
});

describe("createRedisStore", { tags: ["redis", "redis-server"] }, () => {
  it("shares a client, keeps to its prefix, and leaves the client open", async () => {
    const [one, two] = [prefix(), prefix()];
    const here = createRedisStore({ client, prefix: one });
    const there = createRedisStore({ client, prefix: two });
    await here.set("a", "1", 60_000);
    await there.set("a", "2", 60_000);
    await client.set(`${one}beside`, "foreign", "PX", 60_000);
    await there.clear("");
    expect(await here.getMany(["a", "beside"])).toEqual(["1", "foreign"]);
    expect(await there.getMany(["a"])).toEqual([undefined]);
    await here.clear("");
    await here.close();
    expect(await client.ping()).toBe("PONG");
  });

  it("reads what is asked for in one tick with one command", async () => {
    const server = await startRedis();
    const own = new Redis(server.port);
    const single = createRedisStore({ client: own, prefix: "{t}:" });
    const count = async (): Promise<number> =>
      Number(/cmdstat_mget:calls=(\d+)/.exec(await own.info("commandstats"))?.[1] ?? 0);
    await Promise.all(Array.from({ length: 64 }, (_, index) => single.getMany([`k${index}`])));
    expect(await count()).toBe(1);
    own.disconnect();
    await server.close();
  });

  it("rejects what Redis refuses", async () => {
    const shared = prefix();
    const store = createRedisStore({ client, prefix: shared });
    await client.hset(`${shared}hash`, "a", "1");
    await expect(store.getMany(["hash"])).rejects.toThrow(/WRONGTYPE/);
    await client.del(`${shared}hash`);
  });

  it.each([
    [{}, /one of the options "connection" and "client"/],
    [{ client, connection }, /one of the options "connection" and "client"/],
    [{ client: {} }, /must be a client of ioredis/],
    [{ client, prefix: "plain" }, /in braces/],
    [{ client, ttl: 1 }, /unknown option "ttl"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => createRedisStore(options as never)).toThrow(message);
  });

  it("refuses a client that hides its keys", () => {
    const hiding = new Redis({ keyPrefix: "x", lazyConnect: true });
    expect(() => createRedisStore({ client: hiding })).toThrow(/keyPrefix/);
  });
});

describe("createRedisConnection", { tags: ["redis", "redis-server"] }, () => {
  it.each([
    [{ url, host: "a" }, /"url", or "host" and "port"/],
    [{ port: 0 }, /"port" must be/],
    [{ redis: { keyPrefix: "x" } }, /"prefix"/],
    [{ connectTimeoutMs: 0 }, /"connectTimeoutMs"/],
    [{ hostname: "a" }, /unknown option "hostname"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => createRedisConnection(options as never)).toThrow(message);
  });

  it("fails at once while nothing is there, and works once something is", async () => {
    const server = await startRedis();
    await server.kill();
    const late = createRedisConnection({ port: server.port });
    await late.ready();
    const store = createRedisStore({ connection: late });
    await expect(store.getMany(["a"])).rejects.toThrow();
    await server.start();
    await expect
      .poll(() => store.getMany(["a"]).catch(() => "away"), { timeout: 5_000 })
      .toEqual([undefined]);
    await late.close();
    await server.close();
  });

  it("passes options on to ioredis", () => {
    const made = createRedisConnection({
      host: "h",
      port: 1,
      username: "u",
      password: "p",
      db: 3,
      redis: { sentinels: [{ host: "s", port: 2 }], name: "main", connectTimeout: 7 },
    });
    expect(made.client.options).toMatchObject({
      host: "h",
      port: 1,
      username: "u",
      password: "p",
      db: 3,
      name: "main",
      sentinels: [{ host: "s", port: 2 }],
      connectTimeout: 7,
    });
  });
});
