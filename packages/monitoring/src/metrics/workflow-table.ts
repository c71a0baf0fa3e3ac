import type { WorkflowNodeEndEvent, WorkflowRunEndEvent } from "@backplane/protocol";
import { BoundedDurations } from "./bounded-durations.ts";
import { DurationHistogram, type DurationSummary } from "./duration-histogram.ts";
import { BoundedLabels } from "./labels.ts";
import type { TableOptions } from "./operation-table.ts";

/** Workflows, and types of nodes, that are told apart: both may come from a document. */
const MAX_WORKFLOWS = 100;
const MAX_NODE_TYPES = 50;

type Counts<Status extends string> = Partial<Record<Status, number>>;

/** Runs of one workflow that requests of the server asked for. */
export interface WorkflowStats {
  /** By how they ended. `waiting`: the request has to bring an answer first. */
  readonly runs: Readonly<Counts<WorkflowRunEndEvent["status"]>>;
  /** Of each run, to its end or to its question. Undefined unless durations are collected. */
  readonly runTime: DurationSummary | undefined;
  /** Its nodes, those of inner workflows included, by their type and how they ended. */
  readonly nodes: Readonly<Record<string, Readonly<Counts<WorkflowNodeEndEvent["status"]>>>>;
}

/** What is counted of one workflow. */
export class MeasuredWorkflow {
  readonly name: string;
  readonly runs: Counts<WorkflowRunEndEvent["status"]> = {};
  readonly nodes: Map<string, Counts<WorkflowNodeEndEvent["status"]>> = new Map();
  /** Undefined when durations are not collected, as is the other one. */
  readonly durations: BoundedDurations | undefined;
  readonly histogram: DurationHistogram | undefined;

  constructor(name: string, withDurations: boolean) {
    this.name = name;
    this.durations = withDurations ? new BoundedDurations() : undefined;
    this.histogram = withDurations ? new DurationHistogram() : undefined;
  }

  get stats(): WorkflowStats {
    return {
      runs: { ...this.runs },
      runTime: this.histogram?.summary(),
      nodes: Object.fromEntries([...this.nodes].map(([type, counts]) => [type, { ...counts }])),
    };
  }
}

/** Every workflow that ran, in bounded number. */
export class WorkflowTable {
  readonly #options: TableOptions;
  readonly #names = new BoundedLabels(MAX_WORKFLOWS);
  readonly #nodeTypes = new BoundedLabels(MAX_NODE_TYPES);
  readonly #workflows = new Map<string, MeasuredWorkflow>();

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** In the order in which they were first seen. */
  get workflows(): Iterable<MeasuredWorkflow> {
    return this.#workflows.values();
  }

  /** @returns what it was counted under. */
  run({ workflow: name, status, durationMs }: WorkflowRunEndEvent): MeasuredWorkflow {
    const workflow = this.#workflow(name);
    workflow.runs[status] = (workflow.runs[status] ?? 0) + 1;
    workflow.durations?.record(durationMs);
    workflow.histogram?.record(durationMs);
    return workflow;
  }

  node({ workflow: name, nodeType, status }: WorkflowNodeEndEvent): void {
    const { nodes } = this.#workflow(name);
    const type = this.#nodeTypes.of(nodeType);
    const counts = nodes.get(type) ?? {};
    counts[status] = (counts[status] ?? 0) + 1;
    nodes.set(type, counts);
  }

  #workflow(name: string): MeasuredWorkflow {
    const label = this.#names.of(name);
    let workflow = this.#workflows.get(label);
    if (workflow === undefined) {
      workflow = new MeasuredWorkflow(label, this.#options.durations);
      this.#workflows.set(label, workflow);
    }
    return workflow;
  }
}
