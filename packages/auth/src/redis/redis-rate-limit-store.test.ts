// @module-tag redis
import { rateLimitStoreSuite } from "@backplane/protocol/test-suite";
import { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import { createRedisRateLimitStore } from "./redis-rate-limit-store.ts";

const url = process.env["REDIS_URL"] ?? "";
const [client, replica] = [new Redis(url), new Redis(url)];
afterAll(() => Promise.all([client.quit(), replica.quit()]));

const prefix = (): string => `{test-${crypto.randomUUID()}}:`;

rateLimitStoreSuite(
  { describe, it, expect },
  () => createRedisRateLimitStore({ client, prefix: prefix() }),
  { passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
);

describe("createRedisRateLimitStore", () => {
  const bucket = { key: "a", limit: 10, windowMs: 3_600_000, burst: 10, cost: 1 };

  it("allows as many over two clients as over one", async () => {
    const shared = prefix();
    const stores = [client, replica].map((each) =>
      createRedisRateLimitStore({ client: each, prefix: shared }),
    );
    const takes = Array.from({ length: 60 }, (_, index) => stores[index % 2]?.take([bucket]));
    const decisions = await Promise.all(takes);
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(10);
  });

  it("goes on when the server has lost the script, and holds nothing longer than it must", async () => {
    const shared = prefix();
    const store = createRedisRateLimitStore({ client, prefix: shared });
    await store.take([bucket]);
    await client.script("FLUSH");
    expect((await store.take([bucket])).allowed).toBe(true);
    const ttlMs = await client.pttl(`${shared}a`);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(720_000);
    await store.close();
    expect(await client.ping()).toBe("PONG");
  });

  it.each(["nonsense", -1, {}, undefined])("takes %j for no answer", async (answer) => {
    const stranger = { eval: async () => answer, evalsha: async () => answer };
    const store = createRedisRateLimitStore({ client: stranger });
    await expect(store.take([bucket])).rejects.toThrow("no wait");
  });

  it("says that it fails", async () => {
    const gone = new Redis({
      port: 1,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    gone.on("error", () => {});
    await expect(createRedisRateLimitStore({ client: gone }).take([bucket])).rejects.toThrow();
  });

  it.each([
    [{}, /"client" is required/],
    [{ client: {} }, /has no eval/],
    [{ client, prefix: "x" }, /in braces/],
    [{ client, ttl: 1 }, /unknown option "ttl"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => createRedisRateLimitStore(options as never)).toThrow(message);
  });
});
