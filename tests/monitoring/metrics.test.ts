import { rateLimit } from "@backplane/auth";
import { caching, MCPCache } from "@backplane/cache";
import { MCPMetrics } from "@backplane/monitoring";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  guarded,
  KEYS,
  observedServer,
  observingClient,
  PROTOCOLS,
} from "./harness/observed-server.ts";

function measured(options: ConstructorParameters<typeof MCPMetrics>[0]): MCPMetrics {
  const metrics = new MCPMetrics(options);
  onTestFinished(() => metrics.close());
  return metrics;
}

describe.each(PROTOCOLS)("what a server does is counted, %s", (protocol) => {
  const era = protocol === "2026-07-28" ? "modern" : "legacy";

  it("in all, by tool, method, era and error", async () => {
    const { server, url } = await observedServer();
    const metrics = measured({ server });
    const client = observingClient({ url, protocol });
    for (let call = 0; call < 5; call++) await client.callTool("echo", { text: "hi" });
    await client.callTool("refuses");
    await client.callTool("fails").catch(() => {});
    await client.callTool("invented").catch(() => {});
    await client.getPrompt("greeting");
    const stats = await metrics.getStats();
    expect(stats.tools).toMatchObject({
      echo: { requests: 5, errors: 0, errorRate: 0 },
      refuses: { requests: 1, errors: 1, errorRate: 1 },
      fails: { requests: 1, errors: 1 },
      _OTHER: { requests: 1, errors: 1 },
    });
    expect(Object.keys(stats.tools)).not.toContain("invented");
    expect(stats.prompts).toMatchObject({ greeting: { requests: 1, errors: 0 } });
    expect(stats.methods["tools/call"]).toMatchObject({ requests: 8, errors: 3 });
    expect(stats.eras).toMatchObject({ [era]: { errors: 3 } });
    expect(stats.errorTypes).toEqual({ tool_error: 1, "-32603": 1, "-32602": 1 });
    expect(stats.maskedErrors).toBe(1);
    expect(stats.totalErrors).toBe(3);
    expect(stats.errorRate).toBeCloseTo(3 / stats.totalRequests);
    expect(stats.totalRequests).toBe(stats.eras[era]?.requests);
  });

  it("how long it takes", async () => {
    const { server, url } = await observedServer();
    server.tool("slow", {}, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return "done";
    });
    const metrics = measured({ server });
    const client = observingClient({ url, protocol });
    await client.callTool("slow");
    await client.callTool("echo", { text: "hi" });
    const { tools, responseTime, averageResponseTimeMs } = await metrics.getStats();
    // A timer may fire a little early.
    expect(tools["slow"]?.responseTime?.minMs).toBeGreaterThan(15);
    expect(tools["echo"]?.responseTime?.count).toBe(1);
    expect(responseTime?.maxMs).toBe(tools["slow"]?.responseTime?.maxMs);
    expect(averageResponseTimeMs).toBeGreaterThan(0);
    expect(responseTime?.p50Ms).toBeLessThanOrEqual(responseTime?.p99Ms as number);
  });

  it("only what is collected", async () => {
    const { server, url } = await observedServer();
    const metrics = measured({
      server,
      collectRequestDuration: false,
      collectToolExecutionStats: false,
      collectErrorRates: false,
    });
    const client = observingClient({ url, protocol });
    await client.callTool("refuses");
    const stats = await metrics.getStats();
    expect(stats.methods["tools/call"]).toEqual({
      requests: 1,
      errors: 0,
      errorRate: 0,
      responseTime: undefined,
    });
    expect(stats.tools).toEqual({});
  });

  it("limits and refused credentials", async () => {
    const { server, url } = await observedServer(guarded());
    server.use(rateLimit({ limit: 1, windowMs: 3_600_000, methods: ["tools/call"] }));
    const metrics = measured({ server });
    const headers = { "X-API-Key": KEYS.ada };
    const client = observingClient({ url, protocol, headers, maxRetries: 0 });
    for (let call = 0; call < 3; call++) {
      await client.callTool("echo", { text: "hi" }).catch(() => {});
    }
    await observingClient({ url, protocol, headers: { "X-API-Key": "wrong" } })
      .listTools()
      .catch(() => {});
    const { limits, refusedCredentials, errorTypes } = await metrics.getStats();
    expect(limits).toEqual({ rateLimit: 2 });
    expect(errorTypes).toMatchObject({ "-1429": 2 });
    expect(Object.keys(refusedCredentials)).toEqual(["key"]);
  });
});

it("two servers in one process count for themselves", async () => {
  const first = await observedServer();
  const second = await observedServer({ name: "second" });
  const ofFirst = measured({ server: first.server });
  const ofSecond = measured({ server: second.server });
  const ends = [
    [first.url, 3],
    [second.url, 1],
  ] as const;
  for (const [url, calls] of ends) {
    const client = observingClient({ url });
    for (let call = 0; call < calls; call++) await client.callTool("echo", { text: "hi" });
  }
  expect((await ofFirst.getStats()).tools["echo"]?.requests).toBe(3);
  expect((await ofSecond.getStats()).tools["echo"]?.requests).toBe(1);
});

it("sessions, streams, what runs, and what there may be", async () => {
  const { server, url } = await observedServer();
  const metrics = measured({ server });
  let end = (): void => {};
  server.tool("waits", {}, () => new Promise<string>((resolve) => (end = () => resolve("ok"))));
  const legacy = observingClient({ url, protocol: "2025-11-25" });
  await legacy.listTools();
  const modern = observingClient({ url, protocol: "2026-07-28" });
  const listening = await modern.listen({ toolsListChanged: true }, { onChange: () => {} });
  const waiting = modern.callTool("waits");
  await vi.waitFor(async () => {
    const { load, sessions, streams } = await metrics.getStats();
    expect(load).toMatchObject({ inFlight: 1, maxInFlight: 2_048, streams: 1, maxStreams: 10_000 });
    expect(sessions).toMatchObject({ open: 1, opened: 1 });
    expect(streams).toMatchObject({ open: 1 });
  });
  end();
  await waiting;
  await listening.close();
  await legacy.close();
  await vi.waitFor(async () => {
    const { load, sessions, streams } = await metrics.getStats();
    expect(load).toMatchObject({ inFlight: 0, streams: 0 });
    expect([sessions, streams]).toEqual([
      { open: 0, opened: 1, ended: 1 },
      { open: 0, opened: 1, ended: 1 },
    ]);
  });
});

it("what clients ask of others, by server", async () => {
  const { url } = await observedServer();
  const client = observingClient({ url });
  const stranger = observingClient({ url });
  const metrics = measured({ clients: [client] });
  await client.callTool("echo", { text: "hi" });
  await client.callTool("refuses");
  await stranger.callTool("echo", { text: "hi" });
  const { clients, totalRequests } = await metrics.getStats();
  expect(totalRequests).toBe(0);
  expect(clients).toMatchObject({
    totalErrors: 1,
    connections: { open: 1, opened: 1 },
    load: { running: 0, queued: 0 },
    openCircuits: [],
  });
  const [server] = Object.keys(clients.servers);
  expect(clients.servers[server as string]?.["tools/call"]).toMatchObject({
    requests: 2,
    errors: 1,
  });
});

it("what a cache answered, and what it had to ask for", async () => {
  const { server, url } = await observedServer();
  const cache = new MCPCache();
  server.use(caching(cache));
  let runs = 0;
  server.tool(
    "counts",
    { annotations: { readOnlyHint: true }, cacheHint: { ttlMs: 60_000 } },
    () => {
      return String(++runs);
    },
  );
  const metrics = measured({ server });
  const client = observingClient({ url });
  for (let call = 0; call < 4; call++) expect(await client.call("counts")).toBe("1");
  const { caches } = await metrics.getStats();
  expect(Object.values(caches)).toEqual([
    { hit: 3, stale: 0, negative: 0, miss: 1, hitRatio: 0.75 },
  ]);
});

it("nothing any more after close", async () => {
  const { server, url } = await observedServer();
  const metrics = measured({ server });
  const client = observingClient({ url });
  await client.callTool("echo", { text: "hi" });
  metrics.close();
  await client.callTool("echo", { text: "hi" });
  expect((await metrics.getStats()).tools["echo"]?.requests).toBe(1);
});
