import type { SchemaInput } from "@backplane/protocol";
import type { Endpoint } from "./endpoint.ts";
import type { BuildProblem } from "./errors.ts";
import type { NodeSettings } from "./node-settings.ts";
import type { WorkflowNode } from "./workflow-node.ts";

/** A connection as `connect` takes it. */
export interface Connection {
  /** An output, or a place inside of its value: `weather.result.temperature`. */
  readonly from: Endpoint;
  /** An input: `report.temperature`. */
  readonly to: Endpoint;
  /**
   * Whether the node runs without this input when what it comes from was skipped or failed. Default: whether the
   * input is optional by its schema. For the nodes where two branches meet.
   */
  readonly optional?: boolean;
}

/** A parameter of the workflow, as `input` takes it. */
export interface WorkflowInput {
  /** The inputs that it binds, as `node.input`. */
  readonly to: string | readonly string[];
  /** Checks the parameter, and describes it to the clients of `workflowAsTool`. Default: the first bound input's. */
  readonly schema?: SchemaInput;
  readonly description?: string;
  /** Used when a run gives none. */
  readonly default?: unknown;
  /** Whether a run may leave it out. Default false. */
  readonly optional?: boolean;
}

export interface DraftNode {
  readonly id: string;
  readonly node: WorkflowNode;
  readonly settings: NodeSettings;
}

export interface DraftConnection extends Connection {
  /** The four arguments in the order in which they came, for `addConnection`. */
  readonly ordered?: readonly [from: unknown, to: unknown, output: unknown, input: unknown];
}

/** A graph as it was written down; nothing of it has been checked as a whole. */
export interface Draft {
  readonly name: string;
  readonly description: string | undefined;
  readonly nodes: ReadonlyMap<string, DraftNode>;
  readonly connections: readonly DraftConnection[];
  readonly inputs: ReadonlyMap<string, WorkflowInput>;
  readonly outputs: ReadonlyMap<string, Endpoint>;
  /** What was wrong with a single call. */
  readonly problems: readonly BuildProblem[];
  readonly limits: WorkflowLimits;
}

/** How a workflow runs unless a run says otherwise. */
export interface WorkflowLimits {
  /** Nodes that may run at once. Default 64. */
  readonly concurrency: number;
  /** Longest time of one attempt of a node in milliseconds; `Infinity` for none. Default 60,000. */
  readonly nodeTimeoutMs: number;
  /** Longest time of a run in milliseconds. Default `Infinity`: the nodes' own limits bound it. */
  readonly timeoutMs: number;
  /**
   * How long a run that was cancelled, or failed, waits for nodes that do not heed their signal, in milliseconds.
   * Then it ends without them. Default 5,000.
   */
  readonly graceMs: number;
}
