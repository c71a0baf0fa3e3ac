import type { TraceIds } from "@backplane/monitoring";

/** OpenTelemetry, when somebody takes the spans. */
export interface Tracing {
  /** The ids of the running span, for log lines. */
  readonly ids: () => TraceIds | undefined;
  /** Sends what is left. */
  close(): Promise<void>;
}

/**
 * Sends spans to a collector. The SDK is loaded here and not before, so that a server that is not traced
 * pays nothing for it.
 * @param endpoint what `OTEL_EXPORTER_OTLP_ENDPOINT` says, without `/v1/traces`.
 */
export async function startTracing(endpoint: URL, instance: string | undefined): Promise<Tracing> {
  const [api, hooks, core, exporter, resources, sdk] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/context-async-hooks"),
    import("@opentelemetry/core"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/sdk-trace-base"),
  ]);
  const url = `${endpoint.href.replace(/\/$/, "")}/v1/traces`;
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes({
      "service.name": "backplane-reference",
      ...(instance !== undefined && { "service.instance.id": instance }),
    }),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter({ url }))],
  });
  api.trace.setGlobalTracerProvider(provider);
  api.context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  return {
    ids: () => api.trace.getActiveSpan()?.spanContext(),
    close: () => provider.shutdown(),
  };
}
