import {
  type Attributes,
  type BatchObservableCallback,
  type Meter,
  metrics as registered,
} from "@opentelemetry/api";
import {
  ATTRIBUTES,
  type AttributeValues,
  operationAttributes,
  routeAttributes,
  transportAttributes,
} from "../attributes.ts";
import type { MeterSource } from "../opentelemetry-types.ts";
import { DURATION_BOUNDS_S } from "./bounded-durations.ts";
import type { ClientMetrics } from "./client-metrics.ts";
import type { Instruments, ServerInstruments } from "./instruments.ts";
import { ROUTE_BOUNDS_S } from "./route-table.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** Where the instruments are made. */
export interface OpenTelemetryOptions {
  /** Default: the one that is registered with `@opentelemetry/api`. */
  readonly meterProvider?: MeterSource;
}

/** The name of the instrumentation scope. */
export const SCOPE = "@backplane/monitoring";

const SECONDS = { unit: "s", advice: { explicitBucketBoundaries: [...DURATION_BOUNDS_S] } };

/**
 * Makes the instruments of the conventions for MCP and for HTTP servers, and of what they do not name under
 * `backplane.`.
 * @returns what takes them off again.
 */
export function createInstruments(
  { meterProvider = registered }: OpenTelemetryOptions,
  server: ServerMetrics | undefined,
  clients: ClientMetrics,
): () => void {
  const meter = meterProvider.getMeter(SCOPE) as Meter;
  const ends: (() => void)[] = [];
  if (server !== undefined) {
    server.instruments = createServer(meter);
    ends.push(observeServer(meter, server), () => {
      server.instruments = undefined;
    });
  }
  if (clients.clients.length > 0) {
    clients.instruments = createSide(meter, "client");
    ends.push(observeClients(meter, clients), () => {
      clients.instruments = undefined;
    });
  }
  return () => {
    for (const end of ends) end();
  };
}

function createServer(meter: Meter): ServerInstruments {
  const routes = meter.createHistogram("http.server.request.duration", {
    unit: "s",
    advice: { explicitBucketBoundaries: [...ROUTE_BOUNDS_S] },
    description: "Duration of HTTP requests of what is served beside MCP.",
  });
  const runs = meter.createHistogram("backplane.workflow.run.duration", {
    ...SECONDS,
    description: "Duration of runs of workflows.",
  });
  return {
    ...createSide(meter, "server"),
    workflowRun(workflow, status, durationMs) {
      runs.record(durationMs / 1_000, { workflow, status });
    },
    route(series, durationMs) {
      series.attributes ??= routeAttributes(series);
      routes.record(durationMs / 1_000, series.attributes);
    },
  };
}

function createSide(meter: Meter, side: "server" | "client"): Instruments {
  const operations = meter.createHistogram(`mcp.${side}.operation.duration`, {
    ...SECONDS,
    description: `Duration of MCP requests as the ${side} sees them.`,
  });
  const sessions = meter.createHistogram(`mcp.${side}.session.duration`, {
    ...SECONDS,
    description: `Duration of MCP sessions as the ${side} sees them.`,
  });
  const sessionAttributes: Readonly<Record<string, Attributes>> = {
    session: transportAttributes("http"),
    connection: transportAttributes("stdio"),
    client: {},
  };
  return {
    operation(series, durationMs) {
      series.attributes ??= ordered(operationAttributes(series.operation, series.way));
      operations.record(durationMs / 1_000, series.attributes);
    },
    session(kind, durationMs) {
      sessions.record(durationMs / 1_000, sessionAttributes[kind]);
    },
  };
}

/** The SDK sorts the keys with each measurement, which costs less where they are in order already. */
function ordered(attributes: AttributeValues): AttributeValues {
  return Object.fromEntries(
    Object.entries(attributes).sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

function observeServer(meter: Meter, server: ServerMetrics): () => void {
  const open = meter.createObservableUpDownCounter("backplane.server.open", {
    description: "Sessions, streams and connections that are open.",
  });
  const inFlight = meter.createObservableUpDownCounter("backplane.server.in_flight", {
    description: "Requests that run.",
  });
  const limits = meter.createObservableCounter("backplane.server.limits_hit", {
    description: "Refusals by each limit.",
  });
  const refused = meter.createObservableCounter("backplane.server.credentials_refused", {
    description: "Refused credentials by the check that refused.",
  });
  const refusedRoutes = meter.createObservableCounter("backplane.server.routes_refused", {
    description: "Requests of routes by what refused them.",
  });
  const nodes = meter.createObservableCounter("backplane.workflow.nodes", {
    description: "Nodes of workflows by their type and how they ended.",
  });
  const masked = meter.createObservableCounter("backplane.server.masked_errors", {
    description: "Unexpected errors of which clients saw a correlation id only.",
  });
  const lookups = meter.createObservableCounter("backplane.cache.lookups", {
    description: "Lookups in caches by their outcome.",
  });
  const degraded = meter.createObservableUpDownCounter("backplane.server.degraded", {
    description: "1 while a part works without something that it should have.",
  });
  const all = [open, inFlight, limits, refused, refusedRoutes, nodes, masked, lookups, degraded];
  const report: BatchObservableCallback = (result) => {
    for (const [kind, counter] of Object.entries(server.opened)) {
      result.observe(open, counter.open, { kind });
    }
    result.observe(inFlight, server.server.load.inFlight);
    for (const [limit, count] of server.limits.entries) result.observe(limits, count, { limit });
    for (const [stage, count] of server.refusals.entries) result.observe(refused, count, { stage });
    for (const { path, method, refusals } of server.routes.routes) {
      for (const [stage, count] of refusals) {
        const attributes = { [ATTRIBUTES.httpRoute]: path, [ATTRIBUTES.httpMethod]: method, stage };
        result.observe(refusedRoutes, count, attributes);
      }
    }
    for (const { name: workflow, nodes: byType } of server.workflows.workflows) {
      for (const [type, counts] of byType) {
        for (const [status, count] of Object.entries(counts)) {
          result.observe(nodes, count, { workflow, node_type: type, status });
        }
      }
    }
    result.observe(masked, server.maskedErrors);
    for (const [cache, counts] of server.caches) {
      for (const [outcome, count] of Object.entries(counts)) {
        result.observe(lookups, count, { cache, outcome });
      }
    }
    for (const part of server.degraded) result.observe(degraded, 1, { part });
  };
  meter.addBatchObservableCallback(report, all);
  return () => meter.removeBatchObservableCallback(report, all);
}

function observeClients(meter: Meter, clients: ClientMetrics): () => void {
  const running = meter.createObservableUpDownCounter("backplane.client.running", {
    description: "Requests of clients that run.",
  });
  const queued = meter.createObservableUpDownCounter("backplane.client.queued", {
    description: "Requests of clients that wait for a place.",
  });
  const connections = meter.createObservableUpDownCounter("backplane.client.connections", {
    description: "Connections of clients that are open.",
  });
  const circuits = meter.createObservableUpDownCounter("backplane.client.circuits_open", {
    description: "Circuits of clients that are not closed.",
  });
  const all = [running, queued, connections, circuits];
  const report: BatchObservableCallback = (result) => {
    const loads = clients.clients.map(({ load }) => load);
    result.observe(
      running,
      loads.reduce((sum, load) => sum + load.running, 0),
    );
    result.observe(
      queued,
      loads.reduce((sum, load) => sum + load.queued, 0),
    );
    result.observe(connections, clients.connections.open);
    const states = [...clients.circuits.values()].map(({ state }) => state);
    result.observe(circuits, states.filter((state) => state !== "closed").length);
  };
  meter.addBatchObservableCallback(report, all);
  return () => meter.removeBatchObservableCallback(report, all);
}
