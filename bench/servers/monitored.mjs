// Backplane with what LAYERS names, each as its README shows it, with its defaults.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MCPServer } from "../../packages/server/dist/index.js";
import { apiKeys } from "../lib/auth.mjs";
import { port, serverInfo } from "../lib/settings.mjs";
import { tools } from "../lib/workload.mjs";

const layers = new Set((process.env.LAYERS ?? "").split(",").filter((layer) => layer !== ""));

const on = {
  auth: async () => {
    const { APIKeyAuth } = await import("../../packages/auth/dist/index.js");
    return {
      auth: new APIKeyAuth({ apiKeys }),
    };
  },
  policy: async () => {
    const { policy } = await import("../../packages/auth/dist/index.js");
    return { policy: policy() };
  },
};

const options = {};
for (const [layer, make] of Object.entries(on)) {
  if (layers.has(layer)) Object.assign(options, await make());
}
const server = new MCPServer({ ...serverInfo, ...options });
for (const { name, description, schema } of tools) {
  const demands = layers.has("policy") ? { scopes: ["call"] } : {};
  server.tool(name, { description, input: schema, ...demands }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
}

if (layers.has("limits")) {
  const { rateLimit } = await import("../../packages/auth/dist/index.js");
  server.use(rateLimit({ limit: 1_000_000_000, windowMs: 3_600_000 }));
}
if (layers.has("tracing")) {
  const { startTracing } = await import("../lib/tracing.mjs");
  server.use(await startTracing());
}
if (layers.has("metrics")) {
  const { MCPMetrics } = await import("../../packages/monitoring/dist/index.js");
  const { prometheus } = await import("../../packages/monitoring/dist/prometheus.js");
  const metrics = new MCPMetrics({ server });
  server.addRoute(prometheus(metrics, { open: true }));
  if (layers.has("dashboard")) {
    const { Dashboard } = await import("../../packages/monitoring/dist/dashboard.js");
    new Dashboard({ server, metrics, open: true });
  }
}
if (layers.has("instruments")) {
  const { MeterProvider, PeriodicExportingMetricReader, InMemoryMetricExporter } = await import(
    "@opentelemetry/sdk-metrics"
  );
  const { MCPMetrics } = await import("../../packages/monitoring/dist/index.js");
  const exporter = new InMemoryMetricExporter(0);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 5_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  await new MCPMetrics({ server, openTelemetry: { meterProvider } }).ready;
}
if (layers.has("audit")) {
  const { AuditLog } = await import("../../packages/monitoring/dist/index.js");
  const { auditFile } = await import("../../packages/monitoring/dist/node.js");
  const folder = mkdtempSync(join(tmpdir(), "backplane-bench-audit-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit());
  const audit = new AuditLog({ server, sink: auditFile({ path: join(folder, "audit.jsonl") }) });
  process.on("exit", () => {
    const { written, lost } = audit.status;
    if (process.env.SHOW_AUDIT) process.stderr.write(`audit: ${written} written, ${lost} lost\n`);
  });
}
if (process.env.CALL_ALL) await callAll();
await server.start({ port });

/** Calls each tool once, so that each has its time series. */
async function callAll() {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
  };
  const transport = server.connectInMemory();
  let left = tools.length;
  await new Promise((resolve) => {
    transport.start({
      onMessage: () => {
        left -= 1;
        if (left === 0) resolve();
      },
      onClose: () => {},
    });
    for (const [id, { name }] of tools.entries()) {
      const params = { name, arguments: { message: "m" }, _meta: meta };
      transport.send(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
    }
  });
  await transport.close();
}
