import { expect, it } from "vitest";
import { ROUTE_END } from "../route-end.test-support.ts";
import { routeStats } from "./route-stats.ts";
import { RouteTable } from "./route-table.ts";

function make(options: Partial<ConstructorParameters<typeof RouteTable>[0]> = {}): RouteTable {
  return new RouteTable({
    durations: true,
    targets: true,
    errors: true,
    maxTargets: 10,
    ...options,
  });
}

it("counts durations under the bounds of the conventions for HTTP", () => {
  const table = make();
  for (const durationMs of [5, 5.1, 10_001]) table.record({ ...ROUTE_END, durationMs });
  const [route] = table.routes;
  const [series] = route?.series ?? [];
  expect(series?.durations?.cumulative()).toEqual([1, ...Array(13).fill(2), 3]);
  expect(route?.durations?.count).toBe(3);
});

it("tells apart how requests went, and whose fault it was", () => {
  const table = make();
  for (const status of [200, 200, 404, 500, 503, undefined]) table.record({ ...ROUTE_END, status });
  table.record({ ...ROUTE_END, status: 413, stage: "too_large" });
  const [route] = table.routes;
  expect(route?.series.map(({ way, count }) => [way.status, way.errorType, count])).toEqual([
    [200, undefined, 2],
    [404, undefined, 1],
    [500, "500", 1],
    [503, "503", 1],
    [undefined, "cancelled", 1],
    [413, undefined, 1],
  ]);
  expect(routeStats(table)["GET /metrics"]).toMatchObject({
    requests: 7,
    errors: 2,
    errorRate: 2 / 7,
    statuses: { 200: 2, 404: 1, 413: 1, 500: 1, 503: 1, none: 1 },
    refusals: { too_large: 1 },
  });
});

it("has no more routes than it may, and counts the rest together", () => {
  const table = make();
  for (let n = 0; n < 600; n++) table.record({ ...ROUTE_END, route: `/r${n}` });
  table.record({ ...ROUTE_END, route: "/r0" });
  const stats = routeStats(table);
  expect(Object.keys(stats)).toHaveLength(501);
  expect(stats["_OTHER _OTHER"]?.requests).toBe(100);
  expect(stats["GET /r0"]?.requests).toBe(2);
});

it("has no more ways of one route than it may, and counts the rest together", () => {
  const table = make();
  for (let status = 200; status < 300; status++) table.record({ ...ROUTE_END, status });
  const [route] = table.routes;
  expect(route?.series).toHaveLength(51);
  expect(route?.series.at(-1)).toMatchObject({
    way: { status: undefined, errorType: "_OTHER" },
    count: 50,
  });
  expect(routeStats(table)["GET /metrics"]).toMatchObject({ requests: 100, errors: 0 });
});
