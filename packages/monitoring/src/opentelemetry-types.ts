// OpenTelemetry's own types by their shape, where users of this package see them: it is an optional peer, and
// without it the declarations of everything else must still resolve.

/** A `TracerProvider` of OpenTelemetry. */
export interface TracerSource {
  getTracer(name: string, version?: string): object;
}

/** A `MeterProvider` of OpenTelemetry. */
export interface MeterSource {
  getMeter(name: string, version?: string): object;
}

/** A `TextMapPropagator` of OpenTelemetry. */
export interface ContextPropagator {
  inject(context: unknown, carrier: unknown, setter: unknown): void;
  extract(context: unknown, carrier: unknown, getter: unknown): unknown;
  fields(): string[];
}
