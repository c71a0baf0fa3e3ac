import type {
  CacheLookupEvent,
  ChannelEvents,
  Era,
  GaugeEvent,
  ObservedServer,
  ProtectedPrimitive,
  RequestEndEvent,
  RouteEndEvent,
  WorkflowRunEndEvent,
} from "@backplane/protocol";
import { observe, type ServerChannel } from "../observe.ts";
import { BoundedDurations } from "./bounded-durations.ts";
import { LabelledCounter, OpenCounter } from "./counter.ts";
import type { ServerInstruments } from "./instruments.ts";
import { BoundedLabels } from "./labels.ts";
import type { Operation } from "./operation.ts";
import { type ByEra, OperationTable, type TableOptions } from "./operation-table.ts";
import { RouteTable } from "./route-table.ts";
import { WorkflowTable } from "./workflow-table.ts";

/** Caches that are told apart, and parts that may be degraded. */
const MAX_PARTS = 100;
const MAX_FIXED = 50;

/** The primitives that are labels: the URI of a resource has no bound. */
const KINDS: Readonly<Record<string, "tool" | "prompt">> = {
  "tools/call": "tool",
  "prompts/get": "prompt",
};

/** Lookups in one cache. */
export type CacheCounts = Record<CacheLookupEvent["outcome"], number>;

/** Everything that is counted of one server. */
export class ServerMetrics {
  readonly server: ObservedServer;
  readonly operations: OperationTable;
  readonly routes: RouteTable;
  readonly workflows: WorkflowTable;
  readonly limits: LabelledCounter = new LabelledCounter(MAX_FIXED);
  readonly refusals: LabelledCounter = new LabelledCounter(MAX_FIXED);
  readonly caches: Map<string, CacheCounts> = new Map();
  readonly degraded: Set<string> = new Set();
  readonly opened: Readonly<Record<GaugeEvent["kind"], OpenCounter>> = {
    session: new OpenCounter(),
    stream: new OpenCounter(),
    connection: new OpenCounter(),
  };
  /** Sessions over HTTP and connections, for `mcp.server.session.duration`. */
  readonly sessionDurations: Readonly<Record<"session" | "connection", BoundedDurations>> = {
    session: new BoundedDurations(),
    connection: new BoundedDurations(),
  };
  maskedErrors = 0;
  /** Set when OpenTelemetry wants to hear as well. */
  instruments: ServerInstruments | undefined = undefined;
  /** The operations of what is registered, found by identity: cheaper than by four names. */
  readonly #registered = new WeakMap<ProtectedPrimitive, ByEra>();
  readonly #parts = new BoundedLabels(MAX_PARTS);
  readonly #ends: readonly (() => void)[];

  constructor(server: ObservedServer, options: TableOptions) {
    this.server = server;
    this.operations = new OperationTable(options);
    this.routes = new RouteTable(options);
    this.workflows = new WorkflowTable(options);
    this.#ends = [
      this.#on("requestEnd", (event) => this.#request(event)),
      this.#on("routeEnd", (event) => this.#route(event)),
      this.#on("workflowRunEnd", (event) => this.#workflowRun(event)),
      this.#on("workflowNodeEnd", (event) => {
        // A run of its own is no server's.
        if (event.serverId !== undefined) this.workflows.node(event);
      }),
      this.#on("gauge", (event) => this.#gauge(event)),
      this.#on("maskedError", () => void this.maskedErrors++),
      this.#on("limit", ({ limit }) => void this.limits.add(limit)),
      this.#on("authenticationRefused", ({ stage }) => void this.refusals.add(stage ?? "none")),
      this.#on("cacheLookup", (event) => this.#lookup(event)),
      this.#on("cacheState", ({ cache, degraded }) => this.#degrade(`cache ${cache}`, degraded)),
      this.#on("degraded", ({ part, degraded }) => this.#degrade(part, degraded)),
    ];
  }

  /** Counts nothing any more. */
  close(): void {
    for (const end of this.#ends) end();
  }

  #on<Name extends ServerChannel>(
    name: Name,
    listener: (event: ChannelEvents[Name]) => void,
  ): () => void {
    return observe(name, this.server.serverId, listener);
  }

  #request(event: RequestEndEvent): void {
    const { context, outcome, durationMs } = event;
    const errorType =
      outcome === "ok" || outcome === "input_required" ? undefined : errorTypeOf(event);
    const series = this.#operation(event).record(
      context.revision,
      context.transport.kind,
      this.operations.errorLabel(errorType),
      durationMs,
    );
    this.instruments?.operation(series, durationMs);
  }

  #operation({ context, primitive }: RequestEndEvent): Operation {
    const { method, era } = context;
    const known = primitive === undefined ? undefined : this.#registered.get(primitive)?.[era];
    // A prompt can also be what a completion is for.
    if (known?.method === method) return known;
    const kind = KINDS[method];
    // Only what is registered is a name: clients may send any.
    const name = primitive?.name;
    const operation = this.operations.operation({ method, kind, name, era, server: undefined });
    if (primitive !== undefined && kind !== undefined) this.#remember(primitive, era, operation);
    return operation;
  }

  #remember(primitive: ProtectedPrimitive, era: Era, operation: Operation): void {
    const byEra = this.#registered.get(primitive) ?? {};
    byEra[era] = operation;
    this.#registered.set(primitive, byEra);
  }

  #route(event: RouteEndEvent): void {
    const series = this.routes.record(event);
    this.instruments?.route(series, event.durationMs);
  }

  #workflowRun(event: WorkflowRunEndEvent): void {
    const { serverId, status, durationMs } = event;
    // A run of its own is no server's.
    if (serverId === undefined) return;
    const { name } = this.workflows.run(event);
    this.instruments?.workflowRun(name, status, durationMs);
  }

  #gauge({ kind, delta, durationMs }: GaugeEvent): void {
    const counter = this.opened[kind];
    if (delta === 1) {
      counter.begin();
      return;
    }
    counter.end(durationMs);
    if (kind === "stream" || durationMs === undefined) return;
    this.sessionDurations[kind].record(durationMs);
    this.instruments?.session(kind, durationMs);
  }

  #lookup({ cache, outcome }: CacheLookupEvent): void {
    const label = this.#parts.of(cache);
    let counts = this.caches.get(label);
    if (counts === undefined) {
      counts = { hit: 0, stale: 0, negative: 0, miss: 0 };
      this.caches.set(label, counts);
    }
    counts[outcome]++;
  }

  #degrade(part: string, degraded: boolean): void {
    const label = this.#parts.of(part);
    if (degraded) this.degraded.add(label);
    else this.degraded.delete(label);
  }
}

function errorTypeOf({ outcome, errorCode }: RequestEndEvent): string {
  return outcome === "error" && errorCode !== undefined ? String(errorCode) : outcome;
}
