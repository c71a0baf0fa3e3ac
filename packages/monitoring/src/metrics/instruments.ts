import type { OperationSeries } from "./operation.ts";
import type { RouteSeries } from "./route-table.ts";

/** What OpenTelemetry hears of each event; everything else it asks for. */
export interface Instruments {
  operation(series: OperationSeries, durationMs: number): void;
  session(kind: "session" | "connection" | "client", durationMs: number): void;
}

/** The same of a server, which has routes and workflows beside. */
export interface ServerInstruments extends Instruments {
  route(series: RouteSeries, durationMs: number): void;
  workflowRun(workflow: string, status: string, durationMs: number): void;
}
