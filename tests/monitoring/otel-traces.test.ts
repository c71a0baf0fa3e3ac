import { clientTracing, tracing } from "@backplane/monitoring";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { describe, expect, it, onTestFinished } from "vitest";
import { collector } from "./harness/collector.ts";
import { observedServer, observingClient, PROTOCOLS } from "./harness/observed-server.ts";
import { useOpenTelemetry } from "./harness/traced.ts";

useOpenTelemetry();

const HOSTILE = [
  "line\nbreak",
  "\u001b[31mred\u0000",
  "<script>alert(1)</script>",
  '"quoted" \\',
  "emoji 🦊",
  "\uD800 half a pair",
  "x".repeat(100_000),
];

/** Spans to a collector over OTLP/HTTP, in batches, as in production. */
function exporting(url: string): BasicTracerProvider {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, timeoutMillis: 300 });
  const provider = new BasicTracerProvider({
    spanProcessors: [
      new BatchSpanProcessor(exporter, { scheduledDelayMillis: 50, exportTimeoutMillis: 300 }),
    ],
  });
  onTestFinished(() => void provider.shutdown().catch(() => {}));
  return provider;
}

async function traced(tracerProvider: BasicTracerProvider, protocol: (typeof PROTOCOLS)[number]) {
  const { server, url } = await observedServer();
  server.use(tracing({ tracerProvider, recordArguments: true, recordResults: true }));
  const client = observingClient({ url, protocol });
  client.use(clientTracing({ tracerProvider, recordArguments: true }));
  return { server, client };
}

describe.each(PROTOCOLS)("a collector reads, %s", (protocol) => {
  it("spans of client and server as one trace", async () => {
    const sink = await collector();
    const tracerProvider = exporting(sink.url);
    const { client } = await traced(tracerProvider, protocol);
    await client.callTool("echo", { text: "hi" });
    await tracerProvider.forceFlush();
    expect(sink.faults).toEqual([]);
    const [served, sent] = [2, 3].map((kind) =>
      sink.spans.find((span) => span.name === "tools/call echo" && span.kind === kind),
    );
    expect(served?.parentSpanId).toBe(sent?.spanId);
    expect(served?.traceId).toBe(sent?.traceId);
    expect(served?.scope).toBe("@backplane/monitoring");
    expect(served?.attributes["mcp.protocol.version"]).toBe(protocol);
  });

  it("names, arguments and results of every kind", async () => {
    const sink = await collector();
    const tracerProvider = exporting(sink.url);
    const { server, client } = await traced(tracerProvider, protocol);
    for (const name of HOSTILE) server.prompt(name, {}, () => "Hello");
    for (const text of HOSTILE) {
      await client.callTool("echo", { text, [text.slice(0, 100)]: text });
      await client.getPrompt(text).catch(() => {});
      await client.callTool(text).catch(() => {});
    }
    await tracerProvider.forceFlush();
    expect(sink.faults).toEqual([]);
    const calls = sink.spans.filter(({ name, kind }) => name === "tools/call echo" && kind === 2);
    expect(calls).toHaveLength(HOSTILE.length);
    for (const { attributes, name } of sink.spans) {
      expect(name.length).toBeLessThan(300);
      for (const value of Object.values(attributes)) {
        expect(String(value).length).toBeLessThanOrEqual(8_192);
      }
    }
  });
});

describe("an exporter", () => {
  it.each(["hang", "fail"] as const)("whose collector %ss costs no call", async (how) => {
    const sink = await collector();
    sink.behave(how);
    const tracerProvider = exporting(sink.url);
    const { client } = await traced(tracerProvider, "2026-07-28");
    for (let call = 0; call < 20; call++) {
      expect(await client.call("echo", { text: "hi" })).toBe("hi");
    }
    const flushed = tracerProvider.forceFlush().catch(() => {});
    expect(await client.call("echo", { text: "hi" })).toBe("hi");
    await flushed;
    expect(sink.requests).toBeGreaterThan(0);
    // Once it is back, so are the spans.
    sink.behave("well");
    await client.callTool("refuses");
    await tracerProvider.forceFlush();
    expect(sink.spans.map(({ name }) => name)).toContain("tools/call refuses");
  });

  it("whose collector is not there costs no call", async () => {
    const tracerProvider = exporting("http://127.0.0.1:1");
    const { client } = await traced(tracerProvider, "2026-07-28");
    for (let call = 0; call < 20; call++) {
      expect(await client.call("echo", { text: "hi" })).toBe("hi");
    }
    await tracerProvider.forceFlush().catch(() => {});
  });
});
