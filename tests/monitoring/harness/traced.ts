import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, onTestFinished } from "vitest";

/** Registers what the user of OpenTelemetry registers: where context lives, and how it travels. */
export function useOpenTelemetry(): void {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(
      new CompositePropagator({
        propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
      }),
    );
  });
  afterAll(() => {
    context.disable();
    propagation.disable();
  });
}

/** OpenTelemetry's own SDK, until the test ends. */
function sdk(
  exporter: SpanExporter = new InMemorySpanExporter(),
  sampler?: Sampler,
): BasicTracerProvider {
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler && { sampler }),
  });
  onTestFinished(() => void provider.shutdown().catch(() => {}));
  return provider;
}

/** The same with its spans in memory. */
export function inMemory(sampler?: Sampler): {
  readonly tracerProvider: BasicTracerProvider;
  spans(): readonly ReadableSpan[];
} {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = sdk(exporter, sampler);
  return { tracerProvider, spans: () => exporter.getFinishedSpans() };
}
