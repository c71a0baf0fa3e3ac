import type { Era } from "@backplane/protocol";
import type { AttributeValues } from "../attributes.ts";
import { BoundedDurations } from "./bounded-durations.ts";
import { DurationHistogram } from "./duration-histogram.ts";

/** How an operation went, beside what it was: one time series for each combination. */
export interface OperationWay {
  /** The revision of the protocol; undefined where it is not known. */
  readonly revision: string | undefined;
  readonly transport: string;
  /** A JSON-RPC code, `tool_error`, `cancelled`, or a code of the client; undefined when it went well. */
  readonly errorType: string | undefined;
}

/** The operations of one kind that went one way. */
export class OperationSeries {
  readonly operation: Operation;
  readonly way: OperationWay;
  readonly durations: BoundedDurations | undefined;
  #count = 0;
  /** What OpenTelemetry is told with each duration; made once. */
  attributes: AttributeValues | undefined = undefined;

  constructor(operation: Operation, way: OperationWay, withDurations: boolean) {
    this.operation = operation;
    this.way = way;
    this.durations = withDurations ? new BoundedDurations() : undefined;
  }

  get count(): number {
    return this.#count;
  }

  record(durationMs: number): void {
    this.#count++;
    this.durations?.record(durationMs);
  }
}

/** What an operation acts on, where that may be a label. */
export interface OperationTarget {
  readonly kind: "tool" | "prompt";
  readonly label: string;
}

/** Operations of one kind: a method, its tool or prompt, the era. */
export class Operation {
  readonly method: string;
  readonly target: OperationTarget | undefined;
  readonly era: Era | undefined;
  /** Where a client sends it; undefined for a server's own. */
  readonly server: string | undefined;
  /** Undefined when durations are not collected. */
  readonly durations: DurationHistogram | undefined;
  /** A few: found faster by looking at each than by a key made of them. */
  readonly #series: OperationSeries[] = [];

  constructor(parts: {
    readonly method: string;
    readonly target: OperationTarget | undefined;
    readonly era: Era | undefined;
    readonly server: string | undefined;
    readonly withDurations: boolean;
  }) {
    this.method = parts.method;
    this.target = parts.target;
    this.era = parts.era;
    this.server = parts.server;
    this.durations = parts.withDurations ? new DurationHistogram() : undefined;
  }

  get series(): readonly OperationSeries[] {
    return this.#series;
  }

  get count(): number {
    return this.#series.reduce((sum, { count }) => sum + count, 0);
  }

  record(
    revision: string | undefined,
    transport: string,
    errorType: string | undefined,
    durationMs: number,
  ): OperationSeries {
    const series = this.#find(revision, transport, errorType);
    series.record(durationMs);
    this.durations?.record(durationMs);
    return series;
  }

  #find(
    revision: string | undefined,
    transport: string,
    errorType: string | undefined,
  ): OperationSeries {
    for (const series of this.#series) {
      const { way } = series;
      if (way.revision === revision && way.errorType === errorType && way.transport === transport) {
        return series;
      }
    }
    const way = { revision, transport, errorType };
    const series = new OperationSeries(this, way, this.durations !== undefined);
    this.#series.push(series);
    return series;
  }
}
