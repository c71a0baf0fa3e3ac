import type { EventBus } from "@backplane/protocol";
import { eventBusSuite } from "@backplane/protocol/test-suite";
import { Redis } from "ioredis";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createRedisConnection } from "./connection.ts";
import { createRedisEventBus } from "./redis-event-bus.ts";
import { redisUrl, startRedis } from "./redis-server.test-support.ts";

const url = redisUrl;
const connections = [createRedisConnection({ url }), createRedisConnection({ url })];
const client = new Redis(url, { lazyConnect: true });
afterAll(async () => {
  for (const connection of connections) await connection.close();
  client.disconnect();
});
const prefix = (): string => `test-${crypto.randomUUID()}:`;

describe("with a connection", { tags: ["redis", "redis-server"] }, () => {
  eventBusSuite({ describe, it, expect }, (count) => {
    const shared = prefix();
    return Array.from({ length: count }, (_, index) =>
      createRedisEventBus({ connection: connections[index % 2] as never, prefix: shared }),
    );
  });
});

describe("with a client that is given", { tags: ["redis", "redis-server"] }, () => {
  eventBusSuite({ describe, it, expect }, (count) => {
    const shared = prefix();
    return Array.from({ length: count }, () => createRedisEventBus({ client, prefix: shared }));
  });
});

describe("createRedisEventBus", { tags: ["redis", "redis-server"] }, () => {
  it("hears again when Redis is back, and says that something may be missing", async () => {
    const server = await startRedis();
    const own = [0, 1].map(() => createRedisConnection({ port: server.port }));
    const logged: string[] = [];
    const note = (_fields: object, message: string): void => void logged.push(message);
    const logger = { debug: note, info: note, warn: note, error: note };
    const [here, there] = own.map((connection) => createRedisEventBus({ connection, logger })) as [
      EventBus,
      EventBus,
    ];
    const heard: string[] = [];
    const gap = vi.fn();
    there.onGap?.(gap);
    await there.subscribe("t", (message) => void heard.push(`there ${message}`));
    await here.subscribe("t", (message) => void heard.push(`here ${message}`));
    await here.publish("t", "1");
    await expect.poll(() => heard.toSorted()).toEqual(["here 1", "there 1"]);

    await server.kill();
    const publish = (): Promise<void> => here.publish("t", "2");
    await expect.poll(() => publish().then(() => "sent", String)).toMatch(/not connected/);
    await expect.poll(() => heard).toContain("here 2");
    expect(heard).not.toContain("there 2");
    await expect(here.subscribe("late", () => {})).rejects.toThrow();

    await server.start();
    await expect.poll(() => gap.mock.calls.length, { timeout: 5_000 }).toBe(1);
    await expect
      .poll(
        () =>
          here.publish("t", "3").then(
            () => "sent",
            () => "away",
          ),
        { timeout: 5_000 },
      )
      .toBe("sent");
    await expect.poll(() => heard).toContain("there 3");
    expect(logged.filter((line) => line.includes("is away"))).toHaveLength(2);
    expect(logged.filter((line) => line.includes("is back")).length).toBeGreaterThan(0);
    await Promise.all([here.close(), there.close(), ...own.map((each) => each.close())]);
    await server.close();
  });

  it("waits for a stalled Redis no longer than it was told", async () => {
    const server = await startRedis();
    const connection = createRedisConnection({ port: server.port });
    const bus = createRedisEventBus({ connection, timeoutMs: 100 });
    await bus.publish("t", "1");
    server.stall();
    await expect(bus.publish("t", "2")).rejects.toThrow(/no answer within 100 ms/);
    server.resume();
    await bus.close();
    await connection.close();
    await server.close();
  });

  it("is closed for good", async () => {
    const bus = createRedisEventBus({ client, prefix: prefix() });
    await bus.close();
    await expect(bus.publish("t", "1")).rejects.toThrow(/after close/);
    await expect(bus.subscribe("t", () => {})).rejects.toThrow(/after close/);
  });

  it.each([
    [{}, /one of the options "connection" and "client"/],
    [{ client, prefix: "" }, /"prefix" must be/],
    [{ client, timeoutMs: 0 }, /"timeoutMs"/],
    [{ client, logger: {} }, /"logger" needs/],
    [{ client, topics: 1 }, /unknown option "topics"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => createRedisEventBus(options as never)).toThrow(message);
  });
});
