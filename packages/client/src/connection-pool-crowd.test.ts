import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "vitest";
import { MCPConnectionPool, type MCPConnectionPoolOptions } from "./connection-pool.ts";
import { createEraCache } from "./era-cache.ts";
import { PoolServer, succeed } from "./pool/pool-server.test-support.ts";

const CALLERS = 300;
const CONNECTIONS = 3;

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function crowd(options: Partial<MCPConnectionPoolOptions> = {}) {
  const server = await new PoolServer("modern").start();
  const pool = new MCPConnectionPool({
    url: server.url,
    eraCache: createEraCache(),
    maxConnections: CONNECTIONS,
    maxWaiting: CALLERS,
    bulkhead: { maxConcurrent: CALLERS },
    ...options,
  });
  cleanUps.push(
    () => server.die(),
    () => pool.close(),
  );
  await pool.connect();
  return { server, pool };
}

function expectAtRest(pool: MCPConnectionPool): void {
  const { open, idle, busy, waiting } = pool.stats;
  expect({ open, idle, busy, waiting }).toEqual({
    open: CONNECTIONS,
    idle: CONNECTIONS,
    busy: 0,
    waiting: 0,
  });
  expect(pool.load).toEqual({ running: 0, queued: 0 });
}

describe("a crowd of callers on few connections", () => {
  it("gets each its own answer, on no more sockets", async () => {
    const { server, pool } = await crowd();
    const numbers = Array.from({ length: CALLERS }, (_, n) => n);
    const calls = numbers.map((n) => pool.call("echo", { n }));
    expect(pool.stats.waiting).toBeGreaterThan(CALLERS / 2);
    expect(await Promise.all(calls)).toEqual(numbers.map(String));
    expect(server.mostSockets).toBe(CONNECTIONS);
    expectAtRest(pool);
  });

  it("is served in the order it came, also those who call again", async () => {
    const { pool } = await crowd();
    const done: string[] = [];
    await Promise.all(
      Array.from({ length: 12 }, async (_, caller) => {
        for (const round of ["a", "b"]) {
          await pool.call("echo", { n: caller });
          done.push(round);
        }
      }),
    );
    // Nobody's second call overtakes a first one by more than what is under way at a time.
    expect(done.slice(0, 12 - CONNECTIONS)).not.toContain("b");
  });

  it("may lose any of its callers at any time", async () => {
    const { pool } = await crowd();
    const outcomes = await Promise.all(
      Array.from({ length: CALLERS }, async (_, n) => {
        const controller = new AbortController();
        const { signal } = controller;
        // Before it is sent, on its way, in the turn of the answer: the moment is left to the machine.
        const give = n % 3 === 0 ? setImmediate : n % 3 === 1 ? queueMicrotask : undefined;
        const call = pool.call("echo", { n }, { signal });
        if (give === undefined) setTimeout(() => controller.abort(), (n * 7) % 40);
        else give(() => controller.abort());
        return call.then(
          (value) => expect(value).toBe(String(n)),
          (error: unknown) => expect(error).toMatchObject({ code: "aborted" }),
        );
      }),
    );
    expect(outcomes).toHaveLength(CALLERS);
    expect(await pool.call("echo", { n: -1 })).toBe("-1");
    expect(pool.load).toEqual({ running: 0, queued: 0 });
    expect(pool.stats).toMatchObject({ busy: 0, waiting: 0 });
  });

  it("sends no round more for one who gives up between an answer and the end of that turn", async () => {
    const { server, pool } = await crowd();
    server.script = ({ id, params }, response) => {
      if (params.name !== "ask") return false;
      succeed(response, id, { resultType: "input_required", requestState: "s" });
      return true;
    };
    const controller = new AbortController();
    const given = pool.callTool("ask", {}, { signal: controller.signal });
    // The answer is read with this; what follows it in the same turn is the next tick.
    const onAnswer = () => process.nextTick(() => controller.abort());
    subscribe("undici:request:trailers", onAnswer);
    cleanUps.push(async () => void unsubscribe("undici:request:trailers", onAnswer));
    const others = Array.from({ length: 2 * CONNECTIONS }, (_, n) => pool.call("echo", { n }));
    await expect(given).rejects.toMatchObject({ code: "aborted" });
    await Promise.all(others);
    expect(server.asked.filter(({ params }) => params.name === "ask")).toHaveLength(1);
    expectAtRest(pool);
  });

  it("gets its answers also when the application's logger throws", async () => {
    let told = 0;
    const fails = () => {
      told++;
      throw new Error("no space left on device");
    };
    const logger = { debug: fails, info: fails, warn: fails, error: fails };
    const { pool } = await crowd({ logger, maxLifetimeMs: 5 });
    const numbers = Array.from({ length: CALLERS }, (_, n) => n);
    const calls = numbers.map((n) => pool.call("echo", { n }));
    expect(await Promise.all(calls)).toEqual(numbers.map(String));
    // Connections grew old under load and were replaced, which is logged.
    expect(told).toBeGreaterThan(0);
    expect(pool.load).toEqual({ running: 0, queued: 0 });
  });

  it("hears at once that the pool is closed, with and without an answer", async () => {
    const { pool } = await crowd();
    let closing: Promise<void> | undefined;
    const outcomes = await Promise.allSettled(
      Array.from({ length: CALLERS }, async (_, n) => {
        const value = await pool.call("echo", { n });
        closing ??= pool.close();
        return value;
      }),
    );
    await closing;
    const failed = outcomes.filter(({ status }) => status === "rejected");
    expect(failed.length).toBeGreaterThan(CALLERS / 2);
    for (const outcome of failed) {
      expect(outcome).toMatchObject({ reason: { code: "closed" } });
    }
  });
});
