import type { OperationSeries } from "./operation.ts";

/** What OpenTelemetry hears of each event; everything else it asks for. */
export interface Instruments {
  operation(series: OperationSeries, durationMs: number): void;
  session(kind: "session" | "connection" | "client", durationMs: number): void;
}
