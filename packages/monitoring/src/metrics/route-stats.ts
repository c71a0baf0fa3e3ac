import type { DurationSummary } from "./duration-histogram.ts";
import type { MeasuredRoute, RouteTable } from "./route-table.ts";

/** Requests of one route under one method. */
export interface RouteStats {
  readonly requests: number;
  /** Answers of 500 and above. 0 unless errors are collected. */
  readonly errors: number;
  /** `errors` ÷ `requests`, 0 to 1. */
  readonly errorRate: number;
  /** How long each took, a stream to its close. Undefined unless durations are collected. */
  readonly responseTime: DurationSummary | undefined;
  /** By the status of the answer; `none` where the client was gone before. Empty unless errors are collected. */
  readonly statuses: Readonly<Record<string, number>>;
  /** By what refused, such as `authentication` or `guards`. Empty unless errors are collected. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** @returns by method and route, such as `GET /metrics`. */
export function routeStats(table: RouteTable | undefined): Record<string, RouteStats> {
  return Object.fromEntries(
    [...(table?.routes ?? [])].map((route) => [`${route.method} ${route.path}`, statsOf(route)]),
  );
}

function statsOf({ series, durations, refusals }: MeasuredRoute): RouteStats {
  let requests = 0;
  let errors = 0;
  const statuses: Record<string, number> = {};
  for (const { count, way } of series) {
    const { status, errorType } = way;
    requests += count;
    if (status !== undefined && errorType !== undefined) errors += count;
    if (status === undefined && errorType === undefined) continue;
    const name = status ?? (errorType === "cancelled" ? "none" : (errorType as string));
    statuses[name] = (statuses[name] ?? 0) + count;
  }
  return {
    requests,
    errors,
    errorRate: requests === 0 ? 0 : errors / requests,
    responseTime: durations?.summary(),
    statuses,
    refusals: Object.fromEntries(refusals),
  };
}
