import type { ClientLoad, Era, ServerLoad } from "@backplane/protocol";
import type { ClientMetrics } from "./client-metrics.ts";
import type { OpenCounter } from "./counter.ts";
import { DurationHistogram, type DurationSummary } from "./duration-histogram.ts";
import type { Operation } from "./operation.ts";
import { type RouteStats, routeStats } from "./route-stats.ts";
import type { CacheCounts, ServerMetrics } from "./server-metrics.ts";
import type { WorkflowStats } from "./workflow-table.ts";

/** Requests of one kind. */
export interface OperationStats {
  readonly requests: number;
  /** Tool errors and JSON-RPC errors; what its client cancelled is none. 0 unless errors are collected. */
  readonly errors: number;
  /** `errors` ÷ `requests`, 0 to 1. */
  readonly errorRate: number;
  /** Undefined unless durations are collected. */
  readonly responseTime: DurationSummary | undefined;
}

/** Lookups in one cache. */
export interface CacheStats extends Readonly<CacheCounts> {
  /** Answered from the cache ÷ looked up, 0 to 1. */
  readonly hitRatio: number;
}

/** Sessions, streams or connections, since counting began. */
export interface OpenStats {
  readonly open: number;
  readonly opened: number;
  readonly ended: number;
}

/** What `getStats` gives. Times are milliseconds. */
export interface MCPStats {
  /** When counting began, ISO 8601. */
  readonly since: string;
  readonly totalRequests: number;
  readonly totalErrors: number;
  /** Tool errors and JSON-RPC errors ÷ requests, 0 to 1. */
  readonly errorRate: number;
  /** Of all requests but `subscriptions/listen`, which lasts as long as its client likes. */
  readonly averageResponseTimeMs: number;
  /** Undefined unless durations are collected. */
  readonly responseTime: DurationSummary | undefined;
  readonly methods: Readonly<Record<string, OperationStats>>;
  readonly eras: Readonly<Partial<Record<Era, OperationStats>>>;
  /** By name; those beyond the bound, and unknown names, under `_OTHER`. */
  readonly tools: Readonly<Record<string, OperationStats>>;
  readonly prompts: Readonly<Record<string, OperationStats>>;
  /** By JSON-RPC code, `tool_error` and `cancelled`. */
  readonly errorTypes: Readonly<Record<string, number>>;
  /** Unexpected errors, of which clients saw a correlation id only. */
  readonly maskedErrors: number;
  readonly sessions: OpenStats;
  readonly streams: OpenStats;
  /** Over stdio and in memory. */
  readonly connections: OpenStats;
  readonly caches: Readonly<Record<string, CacheStats>>;
  /** What is served over HTTP beside MCP, by method and route, such as `GET /metrics`; none of it is in the totals. */
  readonly routes: Readonly<Record<string, RouteStats>>;
  /** Workflows that ran for requests of the server, by name; those beyond the bound under `_OTHER`. */
  readonly workflows: Readonly<Record<string, WorkflowStats>>;
  /** How often each limit refused. */
  readonly limits: Readonly<Record<string, number>>;
  /** Refused credentials by the check that refused; `none` for none given. */
  readonly refusedCredentials: Readonly<Record<string, number>>;
  /** Parts that work without something, such as a shared store that is away. */
  readonly degraded: readonly string[];
  /** Requests and streams at this moment, and how many there may be. Undefined without a server. */
  readonly load: ServerLoad | undefined;
  /** What the clients that were given asked of others. */
  readonly clients: {
    readonly totalRequests: number;
    readonly totalErrors: number;
    readonly responseTime: DurationSummary | undefined;
    /** By target and method. */
    readonly servers: Readonly<Record<string, Readonly<Record<string, OperationStats>>>>;
    readonly connections: OpenStats;
    /** Requests that run and wait, all clients together. */
    readonly load: ClientLoad;
    /** Targets whose circuit is not closed. */
    readonly openCircuits: readonly string[];
  };
}

const LONG_LIVED = "subscriptions/listen";

/** @param server undefined when only clients are watched. */
export function statsOf(
  since: string,
  server: ServerMetrics | undefined,
  clients: ClientMetrics,
): MCPStats {
  const all = server?.operations.operations ?? [];
  const total = summarise(all);
  const { responseTime } = summarise(all.filter(({ method }) => method !== LONG_LIVED));
  const withTarget = (kind: "tool" | "prompt"): readonly Operation[] =>
    all.filter(({ target }) => target?.kind === kind);
  const opened = (kind: "session" | "stream" | "connection"): OpenStats =>
    openStats(server?.opened[kind]);
  return {
    since,
    totalRequests: total.requests,
    totalErrors: total.errors,
    errorRate: total.errorRate,
    averageResponseTimeMs: responseTime?.averageMs ?? 0,
    responseTime,
    methods: grouped(all, ({ method }) => method),
    eras: grouped(all, ({ era }) => era),
    tools: grouped(withTarget("tool"), ({ target }) => target?.label),
    prompts: grouped(withTarget("prompt"), ({ target }) => target?.label),
    errorTypes: errorTypes(all),
    maskedErrors: server?.maskedErrors ?? 0,
    sessions: opened("session"),
    streams: opened("stream"),
    connections: opened("connection"),
    caches: Object.fromEntries(
      [...(server?.caches ?? [])].map(([name, counts]) => [name, cacheStats(counts)]),
    ),
    routes: routeStats(server?.routes),
    workflows: Object.fromEntries(
      [...(server?.workflows.workflows ?? [])].map(({ name, stats }) => [name, stats]),
    ),
    limits: server?.limits.toObject() ?? {},
    refusedCredentials: server?.refusals.toObject() ?? {},
    degraded: [...(server?.degraded ?? [])],
    load: server?.server.load,
    clients: clientStats(clients),
  };
}

function clientStats(clients: ClientMetrics): MCPStats["clients"] {
  const all = clients.operations.operations;
  const { requests, errors, responseTime } = summarise(all);
  const loads = clients.clients.map(({ load }) => load);
  const sum = (member: keyof ClientLoad): number =>
    loads.reduce((total, load) => total + load[member], 0);
  const servers = new Set(all.map(({ server }) => server ?? ""));
  return {
    totalRequests: requests,
    totalErrors: errors,
    responseTime,
    servers: Object.fromEntries(
      [...servers].map((name) => [
        name,
        grouped(
          all.filter(({ server }) => server === name),
          ({ method }) => method,
        ),
      ]),
    ),
    connections: openStats(clients.connections),
    load: { running: sum("running"), queued: sum("queued") },
    openCircuits: [...clients.circuits.values()]
      .filter(({ state }) => state !== "closed")
      .map(({ server }) => server),
  };
}

function grouped<Key extends string>(
  operations: readonly Operation[],
  keyOf: (operation: Operation) => Key | undefined,
): Record<Key, OperationStats> {
  const groups = new Map<Key, Operation[]>();
  for (const operation of operations) {
    const key = keyOf(operation);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [operation]);
    else group.push(operation);
  }
  return Object.fromEntries([...groups].map(([key, group]) => [key, summarise(group)])) as Record<
    Key,
    OperationStats
  >;
}

function summarise(operations: readonly Operation[]): OperationStats {
  let requests = 0;
  let errors = 0;
  const durations = new DurationHistogram();
  for (const operation of operations) {
    for (const { count, way } of operation.series) {
      requests += count;
      if (way.errorType !== undefined && way.errorType !== "cancelled") errors += count;
    }
    if (operation.durations !== undefined) durations.add(operation.durations);
  }
  const collected = operations.some((operation) => operation.durations !== undefined);
  return {
    requests,
    errors,
    errorRate: requests === 0 ? 0 : errors / requests,
    responseTime: collected ? durations.summary() : undefined,
  };
}

function errorTypes(operations: readonly Operation[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { series } of operations) {
    for (const { way, count } of series) {
      if (way.errorType === undefined) continue;
      counts[way.errorType] = (counts[way.errorType] ?? 0) + count;
    }
  }
  return counts;
}

function openStats(counter: OpenCounter | undefined): OpenStats {
  const { open = 0, opened = 0, ended = 0 } = counter ?? {};
  return { open, opened, ended };
}

function cacheStats(counts: CacheCounts): CacheStats {
  const answered = counts.hit + counts.stale + counts.negative;
  const total = answered + counts.miss;
  return { ...counts, hitRatio: total === 0 ? 0 : answered / total };
}
