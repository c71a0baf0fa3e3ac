import { afterEach, describe, expect, it, vi } from "vitest";
import type { CircuitState } from "./circuit-breaker.ts";
import { MCPConnectionPool } from "./connection-pool.ts";
import { createEraCache } from "./era-cache.ts";
import { MCPClient } from "./mcp-client.ts";
import { PoolServer } from "./pool/pool-server.test-support.ts";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serve(era: "modern" | "legacy"): Promise<PoolServer> {
  const server = await new PoolServer(era).start();
  cleanUps.push(() => server.die());
  return server;
}

function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 });
}

/** Opens with the first failure, probes at once, closes with the first success. */
function breaker(states: CircuitState[]) {
  return {
    minCalls: 1,
    openMs: 1,
    closeAfter: 1,
    onStateChange: (state: CircuitState) => states.push(state),
  };
}

/** A failed call, and the time that the circuit stays open after it. */
async function openCircuit(server: PoolServer, call: () => Promise<unknown>): Promise<void> {
  server.script = ({ method, socket }) => {
    if (method === "tools/call") socket.destroy();
    return method === "tools/call";
  };
  await expect(call()).rejects.toMatchObject({ code: "connection_lost" });
  server.script = () => false;
  await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("an attempt that is given up before anything was asked", () => {
  it("while the server sets its log level says nothing of the target", async () => {
    const server = await serve("legacy");
    const states: CircuitState[] = [];
    const client = new MCPClient({
      url: server.url,
      eraCache: createEraCache(),
      circuitBreaker: breaker(states),
      maxRetries: 0,
    });
    cleanUps.push(() => client.close());
    await openCircuit(server, () => client.callTool("echo"));

    server.script = ({ method }) => method === "logging/setLevel";
    const controller = new AbortController();
    const { signal } = controller;
    const call = client.callTool("echo", {}, { signal, onLog: () => {} });
    await eventually(() => expect(server.count("logging/setLevel")).toBe(1));
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "aborted" });
    expect(states).toEqual(["open", "half-open"]);

    server.script = () => false;
    await client.callTool("echo");
    expect(states).toEqual(["open", "half-open", "closed"]);
  });

  it("while it waits for a connection says nothing of it either, and leaves the queue", async () => {
    const server = await serve("modern");
    const states: CircuitState[] = [];
    const pool = new MCPConnectionPool({
      url: server.url,
      eraCache: createEraCache(),
      circuitBreaker: { ...breaker(states), maxProbes: 2 },
      maxConnections: 1,
      maxRetries: 0,
    });
    cleanUps.push(() => pool.close());
    await pool.connect();
    await openCircuit(server, () => pool.callTool("echo"));
    await eventually(() => expect(pool.stats.idle).toBe(1));

    let answer = () => {};
    server.script = ({ method }, response) => {
      answer = () => response.socket?.destroy();
      return method === "tools/call";
    };
    const first = pool.callTool("echo");
    await eventually(() => expect(server.count("tools/call")).toBe(2));
    const controller = new AbortController();
    const second = pool.callTool("echo", {}, { signal: controller.signal });
    expect(pool.stats.waiting).toBe(1);
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    expect(pool.stats.waiting).toBe(0);
    expect(states).toEqual(["open", "half-open"]);
    answer();
    await expect(first).rejects.toMatchObject({ code: "connection_lost" });
    expect(states).toEqual(["open", "half-open", "open"]);
  });
});

describe("a budget that runs out", () => {
  it.each([
    ["a connection", { maxConnections: 1 }],
    ["a place in the bulkhead", { bulkhead: { maxConcurrent: 1 } }],
  ])("while a call waits for %s says that it was never sent", async (_what, options) => {
    const server = await serve("modern");
    server.script = ({ method }) => method === "tools/call";
    const pool = new MCPConnectionPool({
      url: server.url,
      eraCache: createEraCache(),
      ...options,
    });
    cleanUps.push(() => pool.close());
    await pool.connect();
    const controller = new AbortController();
    const first = pool.callTool("echo", {}, { signal: controller.signal });
    await expect(pool.callTool("echo", {}, { maxTotalTimeoutMs: 20 })).rejects.toMatchObject({
      code: "timeout",
      retry: "always",
      message: "tools/call: maxTotalTimeoutMs (20 ms) ran out before it could be sent",
    });
    expect(server.count("tools/call")).toBeLessThanOrEqual(1);
    controller.abort();
    await expect(first).rejects.toMatchObject({ code: "aborted" });
  });
});
