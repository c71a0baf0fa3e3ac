import type { RouteEndEvent } from "@backplane/protocol";
import type { AttributeValues } from "../attributes.ts";
import { BoundedDurations } from "./bounded-durations.ts";
import { DurationHistogram } from "./duration-histogram.ts";
import { OTHER } from "./labels.ts";
import type { TableOptions } from "./operation-table.ts";

/** The bounds that the conventions advise for `http.server.request.duration`, in seconds. */
export const ROUTE_BOUNDS_S: readonly number[] = Object.freeze([
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]);

/** Routes with their methods that are told apart: a server may register others all the time. */
const MAX_ROUTES = 500;

/** Ways that the requests of one route are told apart by: a handler may answer any status. */
const MAX_WAYS = 50;

/** The methods that a label may be, as the conventions list them; a client may send any. */
const METHODS: ReadonlySet<string> = new Set(
  "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split(" "),
);

/** How a request of a route went, beside what it was for: one time series for each combination. */
export interface RouteWay {
  readonly scheme: RouteEndEvent["scheme"];
  /** Undefined when the client was gone before the answer, and when errors are not collected. */
  readonly status: number | undefined;
  /** The status of an answer of 500 and above, `cancelled`, or `_OTHER`. */
  readonly errorType: string | undefined;
}

/** The requests of one route that went one way. */
export class RouteSeries {
  readonly route: MeasuredRoute;
  readonly way: RouteWay;
  readonly durations: BoundedDurations | undefined;
  count = 0;
  /** What OpenTelemetry is told with each duration; made once. */
  attributes: AttributeValues | undefined = undefined;

  constructor(route: MeasuredRoute, way: RouteWay, withDurations: boolean) {
    this.route = route;
    this.way = way;
    this.durations = withDurations ? new BoundedDurations(ROUTE_BOUNDS_S) : undefined;
  }
}

/** A route under one method. */
export class MeasuredRoute {
  /** As it was registered. */
  readonly path: string;
  readonly method: string;
  /** Undefined when durations are not collected. */
  readonly durations: DurationHistogram | undefined;
  /** By what refused, or cut off; the words are few. */
  readonly refusals: Map<string, number> = new Map();
  /** A few: found faster by looking at each than by a key made of them. */
  readonly series: RouteSeries[] = [];

  constructor(path: string, method: string, withDurations: boolean) {
    this.path = path;
    this.method = method;
    this.durations = withDurations ? new DurationHistogram() : undefined;
  }

  record(way: RouteWay, stage: string | undefined, durationMs: number): RouteSeries {
    const series = this.#find(way) ?? this.#add(way);
    series.count++;
    series.durations?.record(durationMs);
    this.durations?.record(durationMs);
    if (stage !== undefined) this.refusals.set(stage, (this.refusals.get(stage) ?? 0) + 1);
    return series;
  }

  #find({ scheme, status, errorType }: RouteWay): RouteSeries | undefined {
    return this.series.find(
      ({ way }) => way.status === status && way.errorType === errorType && way.scheme === scheme,
    );
  }

  #add(way: RouteWay): RouteSeries {
    const isFull = this.series.length >= MAX_WAYS;
    const told = isFull ? { ...way, status: undefined, errorType: OTHER } : way;
    const known = isFull ? this.#find(told) : undefined;
    if (known !== undefined) return known;
    const series = new RouteSeries(this, told, this.durations !== undefined);
    this.series.push(series);
    return series;
  }
}

/** Every route that was asked for, in bounded number. */
export class RouteTable {
  readonly #options: TableOptions;
  readonly #routes = new Map<string, MeasuredRoute>();

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Whether durations are collected. */
  get timed(): boolean {
    return this.#options.durations;
  }

  /** In the order in which they were first asked for. */
  get routes(): Iterable<MeasuredRoute> {
    return this.#routes.values();
  }

  record(event: RouteEndEvent): RouteSeries {
    const { scheme, status, stage, durationMs } = event;
    const { errors } = this.#options;
    const way = errors
      ? { scheme, status, errorType: errorTypeOf(status) }
      : { scheme, status: undefined, errorType: undefined };
    return this.#routeOf(event).record(way, errors ? stage : undefined, durationMs);
  }

  #routeOf({ route, method: sent }: RouteEndEvent): MeasuredRoute {
    const method = METHODS.has(sent) ? sent : OTHER;
    return (
      this.#routes.get(`${method} ${route}`) ??
      (this.#routes.size < MAX_ROUTES
        ? this.#add(route, method)
        : (this.#routes.get(`${OTHER} ${OTHER}`) ?? this.#add(OTHER, OTHER)))
    );
  }

  #add(path: string, method: string): MeasuredRoute {
    const route = new MeasuredRoute(path, method, this.#options.durations);
    this.#routes.set(`${method} ${path}`, route);
    return route;
  }
}

/** What the client did wrong is no error of the server (the conventions for HTTP). */
function errorTypeOf(status: number | undefined): string | undefined {
  if (status === undefined) return "cancelled";
  return status >= 500 ? String(status) : undefined;
}
