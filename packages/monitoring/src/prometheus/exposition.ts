import { type BoundedDurations, DURATION_BOUNDS_S } from "../metrics/bounded-durations.ts";
import type { ClientMetrics } from "../metrics/client-metrics.ts";
import type { MCPMetrics } from "../metrics/mcp-metrics.ts";
import type { OperationSeries } from "../metrics/operation.ts";
import type { OperationTable } from "../metrics/operation-table.ts";
import { ROUTE_BOUNDS_S, type RouteSeries } from "../metrics/route-table.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { labelPairs, PrometheusText } from "./text.ts";

/** Metrics, and the value of their label `server`; undefined where there is one server only. */
export interface ExposedMetrics {
  readonly name: string | undefined;
  readonly metrics: MCPMetrics;
}

const BOUND_TEXTS: readonly string[] = [...DURATION_BOUNDS_S.map(String), "+Inf"];
const ROUTE_BOUND_TEXTS: readonly string[] = [...ROUTE_BOUNDS_S.map(String), "+Inf"];

interface Sample {
  readonly labels: Readonly<Record<string, string | undefined>>;
  readonly value: number;
}

interface Family<Source> {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  samples(source: Source): readonly Sample[];
}

const SERVER_FAMILIES: readonly Family<ServerMetrics>[] = [
  {
    name: "backplane_server_open",
    type: "gauge",
    help: "Sessions, streams and connections that are open.",
    samples: ({ opened }) =>
      Object.entries(opened).map(([kind, { open }]) => ({ labels: { kind }, value: open })),
  },
  {
    name: "backplane_server_opened_total",
    type: "counter",
    help: "Sessions, streams and connections that were opened.",
    samples: ({ opened }) =>
      Object.entries(opened).map(([kind, counter]) => ({
        labels: { kind },
        value: counter.opened,
      })),
  },
  {
    name: "backplane_server_in_flight",
    type: "gauge",
    help: "Requests that run.",
    samples: ({ server }) => [{ labels: {}, value: server.load.inFlight }],
  },
  {
    name: "backplane_server_limits_hit_total",
    type: "counter",
    help: "Refusals by each limit.",
    samples: ({ limits }) =>
      [...limits.entries].map(([limit, value]) => ({ labels: { limit }, value })),
  },
  {
    name: "backplane_server_credentials_refused_total",
    type: "counter",
    help: "Refused credentials by the check that refused.",
    samples: ({ refusals }) =>
      [...refusals.entries].map(([stage, value]) => ({ labels: { stage }, value })),
  },
  {
    name: "backplane_server_routes_refused_total",
    type: "counter",
    help: "Requests of routes by what refused them.",
    samples: ({ routes }) =>
      [...routes.routes].flatMap(({ path, method, refusals }) =>
        [...refusals].map(([stage, value]) => ({
          labels: { http_route: path, http_request_method: method, stage },
          value,
        })),
      ),
  },
  {
    name: "backplane_server_masked_errors_total",
    type: "counter",
    help: "Unexpected errors of which clients saw a correlation id only.",
    samples: ({ maskedErrors }) => [{ labels: {}, value: maskedErrors }],
  },
  {
    name: "backplane_server_degraded",
    type: "gauge",
    help: "1 while a part works without something that it should have.",
    samples: ({ degraded }) => [...degraded].map((part) => ({ labels: { part }, value: 1 })),
  },
  {
    name: "backplane_workflow_runs_total",
    type: "counter",
    help: "Runs of workflows by how they ended.",
    samples: ({ workflows }) =>
      [...workflows.workflows].flatMap(({ name: workflow, runs }) =>
        Object.entries(runs).map(([status, value]) => ({ labels: { workflow, status }, value })),
      ),
  },
  {
    name: "backplane_workflow_nodes_total",
    type: "counter",
    help: "Nodes of workflows by their type and how they ended.",
    samples: ({ workflows }) =>
      [...workflows.workflows].flatMap(({ name: workflow, nodes }) =>
        [...nodes].flatMap(([node_type, counts]) =>
          Object.entries(counts).map(([status, value]) => ({
            labels: { workflow, node_type, status },
            value,
          })),
        ),
      ),
  },
  {
    name: "backplane_cache_lookups_total",
    type: "counter",
    help: "Lookups in caches by their outcome.",
    samples: ({ caches }) =>
      [...caches].flatMap(([cache, counts]) =>
        Object.entries(counts).map(([outcome, value]) => ({ labels: { cache, outcome }, value })),
      ),
  },
];

const CLIENT_FAMILIES: readonly Family<ClientMetrics>[] = [
  {
    name: "backplane_client_running",
    type: "gauge",
    help: "Requests of clients that run.",
    samples: ({ clients }) => [
      { labels: {}, value: total(clients.map(({ load }) => load.running)) },
    ],
  },
  {
    name: "backplane_client_queued",
    type: "gauge",
    help: "Requests of clients that wait for a place.",
    samples: ({ clients }) => [
      { labels: {}, value: total(clients.map(({ load }) => load.queued)) },
    ],
  },
  {
    name: "backplane_client_connections",
    type: "gauge",
    help: "Connections of clients that are open.",
    samples: ({ connections }) => [{ labels: {}, value: connections.open }],
  },
  {
    name: "backplane_client_circuits_open",
    type: "gauge",
    help: "Circuits of clients that are not closed.",
    samples: ({ circuits }) => [
      {
        labels: {},
        value: [...circuits.values()].filter(({ state }) => state !== "closed").length,
      },
    ],
  },
];

/** The text of all families; each stands once, whatever the number of servers. */
export function exposition(exposed: readonly ExposedMetrics[]): string {
  const text = new PrometheusText();
  const servers = exposed.flatMap(({ name, metrics }) =>
    metrics.serverMetrics === undefined ? [] : [{ name, source: metrics.serverMetrics }],
  );
  const clients = exposed.flatMap(({ name, metrics }) =>
    metrics.clientMetrics.clients.length === 0 ? [] : [{ name, source: metrics.clientMetrics }],
  );
  if (servers.length > 0) {
    operationsOf(text, "server", servers);
    sessionsOf(
      text,
      "server",
      servers.flatMap(({ name, source }) => [
        {
          labels: { server: name, network_transport: "tcp" },
          durations: source.sessionDurations.session,
        },
        {
          labels: { server: name, network_transport: "pipe" },
          durations: source.sessionDurations.connection,
        },
      ]),
    );
    routesOf(text, servers);
    workflowsOf(text, servers);
    familiesOf(text, SERVER_FAMILIES, servers);
  }
  if (clients.length > 0) {
    operationsOf(text, "client", clients);
    sessionsOf(
      text,
      "client",
      clients.map(({ name, source }) => ({
        labels: { server: name },
        durations: source.connectionDurations,
      })),
    );
    familiesOf(text, CLIENT_FAMILIES, clients);
  }
  return text.toString();
}

function operationsOf(
  text: PrometheusText,
  side: "server" | "client",
  sources: readonly NamedOperations[],
): void {
  const timed = sources.filter(({ source }) => source.operations.timed);
  const counted = sources.filter(({ source }) => !source.operations.timed);
  if (timed.length > 0) {
    const family = `mcp_${side}_operation_duration_seconds`;
    text.family(family, "histogram", `Duration of MCP requests as the ${side} sees them.`);
    for (const { labels, series } of labelled(timed)) text.append(linesOf(family, labels, series));
  }
  if (counted.length > 0) {
    const family = `mcp_${side}_operations_total`;
    text.family(family, "counter", `MCP requests as the ${side} sees them.`);
    for (const { labels, series } of labelled(counted)) text.sample(family, labels, series.count);
  }
}

interface NamedOperations {
  readonly name: string | undefined;
  readonly source: { readonly operations: OperationTable };
}

function labelled(
  sources: readonly NamedOperations[],
): readonly { readonly labels: string; readonly series: OperationSeries }[] {
  return sources.flatMap(({ name, source }) =>
    source.operations.operations.flatMap((operation) =>
      operation.series.map((series) => ({ labels: seriesLabels(name, series), series })),
    ),
  );
}

/** The lines of a series that nothing was added to since the last reading: of many tools most are idle. */
const kept = new WeakMap<OperationSeries, Kept>();

interface Kept {
  readonly labels: string;
  readonly count: number;
  readonly lines: string;
}

function linesOf(family: string, labels: string, series: OperationSeries): string {
  const last = kept.get(series);
  if (last?.count === series.count && last.labels === labels) return last.lines;
  const text = new PrometheusText();
  histogram(text, family, labels, series.durations as BoundedDurations);
  const lines = text.toString();
  kept.set(series, { labels, count: series.count, lines });
  return lines;
}

function sessionsOf(
  text: PrometheusText,
  side: "server" | "client",
  sources: readonly {
    readonly labels: Readonly<Record<string, string | undefined>>;
    readonly durations: BoundedDurations;
  }[],
): void {
  const family = `mcp_${side}_session_duration_seconds`;
  text.family(family, "histogram", `Duration of MCP sessions as the ${side} sees them.`);
  for (const { labels, durations } of sources) {
    histogram(text, family, labelPairs(labels), durations);
  }
}

/** What is served over HTTP beside MCP. */
function routesOf(
  text: PrometheusText,
  sources: readonly { readonly name: string | undefined; readonly source: ServerMetrics }[],
): void {
  const told = (isTimed: boolean): readonly RouteSample[] =>
    sources
      .filter(({ source }) => source.routes.timed === isTimed)
      .flatMap(({ name, source }) =>
        [...source.routes.routes].flatMap(({ series }) =>
          series.map((one) => ({ labels: routeLabels(name, one), series: one })),
        ),
      );
  const [timed, counted] = [told(true), told(false)];
  if (timed.length > 0) {
    const family = "http_server_request_duration_seconds";
    text.family(family, "histogram", "Duration of HTTP requests of what is served beside MCP.");
    for (const { labels, series } of timed) {
      histogram(text, family, labels, series.durations as BoundedDurations, ROUTE_BOUND_TEXTS);
    }
  }
  if (counted.length > 0) {
    const family = "backplane_server_route_requests_total";
    text.family(family, "counter", "HTTP requests of what is served beside MCP.");
    for (const { labels, series } of counted) text.sample(family, labels, series.count);
  }
}

function workflowsOf(
  text: PrometheusText,
  sources: readonly { readonly name: string | undefined; readonly source: ServerMetrics }[],
): void {
  const timed = sources.flatMap(({ name: server, source }) =>
    [...source.workflows.workflows].flatMap(({ name: workflow, durations }) =>
      durations === undefined ? [] : [{ labels: labelPairs({ server, workflow }), durations }],
    ),
  );
  if (timed.length === 0) return;
  const family = "backplane_workflow_run_duration_seconds";
  text.family(family, "histogram", "Duration of runs of workflows.");
  for (const { labels, durations } of timed) histogram(text, family, labels, durations);
}

interface RouteSample {
  readonly labels: string;
  readonly series: RouteSeries;
}

function routeLabels(name: string | undefined, { route, way }: RouteSeries): string {
  return labelPairs({
    server: name,
    http_request_method: route.method,
    url_scheme: way.scheme,
    http_route: route.path,
    http_response_status_code: way.status === undefined ? undefined : String(way.status),
    error_type: way.errorType,
  });
}

function histogram(
  text: PrometheusText,
  family: string,
  labels: string,
  durations: BoundedDurations,
  bounds: readonly string[] = BOUND_TEXTS,
): void {
  const lead = labels === "" ? "" : `${labels},`;
  const bucket = `${family}_bucket`;
  const counts = durations.cumulative();
  for (let index = 0; index < counts.length; index++) {
    text.sample(bucket, `${lead}le="${bounds[index]}"`, counts[index] as number);
  }
  text.sample(`${family}_sum`, labels, durations.sumMs / 1_000);
  text.sample(`${family}_count`, labels, durations.count);
}

function familiesOf<Source>(
  text: PrometheusText,
  families: readonly Family<Source>[],
  sources: readonly { readonly name: string | undefined; readonly source: Source }[],
): void {
  for (const { name: family, type, help, samples } of families) {
    text.family(family, type, help);
    for (const { name, source } of sources) {
      for (const { labels, value } of samples(source)) {
        text.sample(family, labelPairs({ server: name, ...labels }), value);
      }
    }
  }
}

/** Texts of labels, which are the same with each reading; `server` comes before them. */
const texts = new WeakMap<OperationSeries, string>();

/** The attributes of the conventions, with the names that Prometheus has for them. */
function seriesLabels(name: string | undefined, series: OperationSeries): string {
  let text = texts.get(series);
  if (text === undefined) {
    const { method, target, server } = series.operation;
    const { revision, transport, errorType } = series.way;
    text = labelPairs({
      mcp_method_name: method,
      gen_ai_tool_name: target?.kind === "tool" ? target.label : undefined,
      gen_ai_prompt_name: target?.kind === "prompt" ? target.label : undefined,
      mcp_protocol_version: revision,
      network_transport: TRANSPORTS[transport] ?? "memory",
      server_address: server,
      error_type: errorType,
    });
    texts.set(series, text);
  }
  return name === undefined ? text : `${labelPairs({ server: name })},${text}`;
}

/** The transports as the conventions name them. */
const TRANSPORTS: Readonly<Record<string, string>> = { http: "tcp", stdio: "pipe" };

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
