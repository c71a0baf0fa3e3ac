import { spawnSync } from "node:child_process";
import { MCPMetrics } from "@backplane/monitoring";
import { prometheusText } from "@backplane/monitoring/prometheus";
import { type Workflow, WorkflowBuilder, workflowAsTool } from "@backplane/workflow";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, it, onTestFinished } from "vitest";
import { observedServer, observingClient, PROTOCOLS } from "./harness/observed-server.ts";

function halved(name = "halve"): Promise<Workflow> {
  return new WorkflowBuilder({ name })
    .addNode("half", ({ number }) => {
      if (Number(number) % 2 === 1) throw new Error("odd");
      return Number(number) / 2;
    })
    .addNode("text", ({ half }) => `half is ${half}`)
    .input("number", { to: "half.number" })
    .connect({ from: "half.result", to: "text.half" })
    .output("text", "text.result")
    .build();
}

async function measured(options: Partial<ConstructorParameters<typeof MCPMetrics>[0]> = {}) {
  const { server, url } = await observedServer();
  const workflow = await halved();
  server.addTool(workflowAsTool(workflow));
  const metrics = new MCPMetrics({ server, ...options });
  onTestFinished(() => metrics.close());
  await metrics.ready;
  return { metrics, url, workflow };
}

describe.each(PROTOCOLS)("workflows that a server's requests run are counted, %s", (protocol) => {
  it("by name, how they ended, and their nodes by type", async () => {
    const { metrics, url, workflow } = await measured();
    const other = await measured();
    const client = observingClient({ url, protocol });
    for (const number of [2, 4, 5]) await client.callTool("halve", { number }).catch(() => {});
    await workflow.run({ number: 2 });
    const { workflows } = await metrics.getStats();
    expect(workflows).toEqual({
      halve: {
        runs: { completed: 2, failed: 1 },
        runTime: expect.objectContaining({ count: 3 }),
        nodes: { FunctionNode: { completed: 4, failed: 1 } },
      },
    });
    expect((await other.metrics.getStats()).workflows).toEqual({});
  });
});

it("for Prometheus, which accepts the text", { tags: ["promtool"] }, async () => {
  const { metrics, url } = await measured();
  const client = observingClient({ url });
  for (const number of [2, 5]) await client.callTool("halve", { number }).catch(() => {});
  const text = prometheusText(metrics);
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text });
  expect([status, String(stdout), String(stderr)]).toEqual([0, "", ""]);
  for (const line of [
    'backplane_workflow_runs_total{workflow="halve",status="completed"} 1',
    'backplane_workflow_runs_total{workflow="halve",status="failed"} 1',
    'backplane_workflow_nodes_total{workflow="halve",node_type="FunctionNode",status="completed"} 2',
    'backplane_workflow_run_duration_seconds_count{workflow="halve"} 2',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

it("for OpenTelemetry", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  const { url } = await measured({ openTelemetry: { meterProvider } });
  await observingClient({ url }).callTool("halve", { number: 2 });
  await meterProvider.forceFlush();
  const told = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
    );
  expect(told).toContainEqual({
    name: "backplane.workflow.run.duration",
    attributes: { workflow: "halve", status: "completed" },
    value: expect.objectContaining({ count: 1 }),
  });
  expect(told).toContainEqual({
    name: "backplane.workflow.nodes",
    attributes: { workflow: "halve", node_type: "FunctionNode", status: "completed" },
    value: 2,
  });
});

it("in bounded number, whatever is made of documents", async () => {
  const { server, url } = await observedServer();
  const metrics = new MCPMetrics({ server });
  onTestFinished(() => metrics.close());
  const client = observingClient({ url });
  for (let n = 0; n < 102; n++) server.addTool(workflowAsTool(await halved(`halve_${n}`)));
  for (let n = 0; n < 102; n++) await client.callTool(`halve_${n}`, { number: 2 });
  const { workflows } = await metrics.getStats();
  expect(Object.keys(workflows)).toHaveLength(101);
  expect(workflows["_OTHER"]?.runs).toEqual({ completed: 2 });
});
