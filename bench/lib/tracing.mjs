// OpenTelemetry as the documents show it for few of many calls: context, W3C propagation, the SDK's default
// sampler for the one trace in a hundred that is recorded, batches over OTLP.
import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { tracing } from "../../packages/monitoring/dist/index.js";

export async function startTracing() {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const exporter = new OTLPTraceExporter({ url: `${process.env.COLLECTOR}/v1/traces` });
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  return tracing({ tracerProvider, sampleRatio: 0.01 });
}
