import { MCPMetrics } from "@backplane/monitoring";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, it, onTestFinished } from "vitest";
import { collector } from "./harness/collector.ts";
import { observedServer, observingClient, PROTOCOLS } from "./harness/observed-server.ts";

function provider(exporter: PushMetricExporter): MeterProvider {
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  // An exporter that is down may take its time to say so.
  onTestFinished(() => void meterProvider.shutdown().catch(() => {}));
  return meterProvider;
}

async function measured(meterProvider: MeterProvider, protocol?: string) {
  const { server, url } = await observedServer();
  const client = observingClient({ url, ...(protocol && { protocol: protocol as "2026-07-28" }) });
  const metrics = new MCPMetrics({ server, clients: [client], openTelemetry: { meterProvider } });
  onTestFinished(() => metrics.close());
  await metrics.ready;
  return { server, url, client, metrics };
}

describe.each(PROTOCOLS)("OpenTelemetry's own SDK reads, %s", (protocol) => {
  it("the instruments of the conventions, with their attributes and bounds", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const meterProvider = provider(exporter);
    const { client, server, url } = await measured(meterProvider, protocol);
    await client.callTool("echo", { text: "hi" });
    await client.callTool("fails").catch(() => {});
    await client.callTool("refuses");
    await client.getPrompt("greeting");
    for (const method of ["GET", "POST"]) await fetch(new URL("/health", url), { method });
    await client.close();
    await meterProvider.forceFlush();
    const metrics = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const points = (name: string) => {
      const found = metrics.find(({ descriptor }) => descriptor.name === name);
      expect(found, name).toBeDefined();
      return found?.dataPoints ?? [];
    };
    const ofTool = (name: string, tool: string) =>
      points(name).find(({ attributes }) => attributes["gen_ai.tool.name"] === tool)?.attributes;
    for (const side of ["server", "client"]) {
      const name = `mcp.${side}.operation.duration`;
      expect(metrics.find(({ descriptor }) => descriptor.name === name)?.descriptor.unit).toBe("s");
      expect(ofTool(name, "echo")).toMatchObject({
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "mcp.protocol.version": protocol,
        "network.transport": "tcp",
      });
      expect(ofTool(name, "echo")).not.toHaveProperty("error.type");
      expect(ofTool(name, "refuses")).toMatchObject({ "error.type": "tool_error" });
      expect(ofTool(name, "fails")).toMatchObject({
        "error.type": "-32603",
        "rpc.response.status_code": "-32603",
      });
      const prompts = points(name).map(({ attributes }) => attributes["gen_ai.prompt.name"]);
      expect(prompts).toContain("greeting");
      const [value] = points(name).map((point) => point.value);
      expect(value).toMatchObject({
        buckets: { boundaries: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] },
      });
    }
    expect(ofTool("mcp.client.operation.duration", "echo")).toMatchObject({
      "server.address": "127.0.0.1",
      "server.port": expect.any(Number),
    });
    expect(points("mcp.client.session.duration")).toHaveLength(1);
    if (protocol === "2025-11-25") {
      expect(points("mcp.server.session.duration")[0]?.attributes).toEqual({
        "network.transport": "tcp",
        "network.protocol.name": "http",
      });
    }
    const requests = "http.server.request.duration";
    expect(points(requests).map(({ attributes }) => attributes)).toEqual([
      {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/health",
        "http.response.status_code": 200,
      },
      {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/health",
        "http.response.status_code": 405,
      },
    ]);
    expect(points(requests)[0]?.value).toMatchObject({
      buckets: {
        boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
      },
    });
    expect(points("backplane.server.routes_refused")).toMatchObject([
      { value: 1, attributes: { "http.route": "/health", stage: "method" } },
    ]);
    expect(points("backplane.server.masked_errors")[0]?.value).toBe(1);
    expect(points("backplane.client.circuits_open")[0]?.value).toBe(0);
    expect(points("backplane.server.in_flight")[0]?.value).toBe(server.load.inFlight);
  });
});

describe("an exporter to a collector", () => {
  it("sends what the collector can read", async () => {
    const sink = await collector();
    const exporter = new OTLPMetricExporter({ url: `${sink.url}/v1/metrics` });
    const meterProvider = provider(exporter);
    const { client } = await measured(meterProvider);
    await client.callTool("echo", { text: "hi" });
    await meterProvider.forceFlush();
    expect(sink.faults).toEqual([]);
    const found = sink.metrics.find(({ name }) => name === "mcp.server.operation.duration");
    const call = found?.histogram?.dataPoints.find(
      ({ attributes }) => attributes["gen_ai.tool.name"] === "echo",
    );
    expect(call).toMatchObject({ count: 1, attributes: { "mcp.method.name": "tools/call" } });
  });

  it.each(["hang", "fail"] as const)("that %ss costs no call", async (how) => {
    const sink = await collector();
    sink.behave(how);
    const exporter = new OTLPMetricExporter({ url: `${sink.url}/v1/metrics`, timeoutMillis: 200 });
    const meterProvider = provider(exporter);
    const { client, metrics } = await measured(meterProvider);
    const flushed = meterProvider.forceFlush().catch(() => {});
    for (let call = 0; call < 10; call++) await client.callTool("echo", { text: "hi" });
    expect((await metrics.getStats()).tools["echo"]?.requests).toBe(10);
    if (how === "hang") await flushed;
    expect(sink.requests).toBeGreaterThan(0);
  });
});

it("an exporter is not told any more after close", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const meterProvider = provider(exporter);
  const { client, metrics } = await measured(meterProvider);
  metrics.close();
  await client.callTool("echo", { text: "hi" });
  await meterProvider.forceFlush();
  expect(exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)).toEqual([]);
});
