import { clip } from "@backplane/protocol";
import { DurationHistogram } from "../metrics/duration-histogram.ts";
import type { Operation } from "../metrics/operation.ts";

/** Tools that are shown: those with the most calls. */
const MAX_ROWS = 50;
const MAX_ERROR_TYPES = 3;
const MAX_NAME_LENGTH = 200;

/** How one tool fares since counting began. */
export interface ToolRow {
  readonly name: string;
  readonly calls: number;
  readonly errors: number;
  /** The most frequent ones. */
  readonly errorTypes: readonly (readonly [type: string, count: number])[];
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

interface Known {
  readonly calls: number;
  readonly row: ToolRow;
}

/** The table of tools. Percentiles are only worked out anew for the rows that are shown and have changed. */
export class ToolRows {
  #known = new Map<string, Known>();

  of(operations: readonly Operation[]): readonly ToolRow[] {
    const byName = new Map<string, { calls: number; operations: Operation[] }>();
    for (const operation of operations) {
      if (operation.target?.kind !== "tool") continue;
      const { label } = operation.target;
      const group = byName.get(label) ?? { calls: 0, operations: [] };
      group.calls += operation.count;
      group.operations.push(operation);
      byName.set(label, group);
    }
    const shown = [...byName].sort(([, a], [, b]) => b.calls - a.calls).slice(0, MAX_ROWS);
    const next = new Map<string, Known>();
    for (const [name, { calls, operations: group }] of shown) {
      const known = this.#known.get(name);
      next.set(name, known?.calls === calls ? known : { calls, row: rowOf(name, calls, group) });
    }
    this.#known = next;
    return [...next.values()].map(({ row }) => row);
  }
}

function rowOf(name: string, calls: number, operations: readonly Operation[]): ToolRow {
  const durations = new DurationHistogram();
  const types = new Map<string, number>();
  for (const operation of operations) {
    if (operation.durations !== undefined) durations.add(operation.durations);
    for (const { way, count } of operation.series) {
      if (way.errorType === undefined || way.errorType === "cancelled") continue;
      types.set(way.errorType, (types.get(way.errorType) ?? 0) + count);
    }
  }
  const isTimed = durations.count > 0;
  return {
    name: clip(name, MAX_NAME_LENGTH),
    calls,
    errors: [...types.values()].reduce((sum, count) => sum + count, 0),
    errorTypes: [...types].sort(([, a], [, b]) => b - a).slice(0, MAX_ERROR_TYPES),
    p50Ms: isTimed ? durations.quantileMs(0.5) : undefined,
    p99Ms: isTimed ? durations.quantileMs(0.99) : undefined,
  };
}
