import type {
  InputContext,
  JsonObject,
  ProgressReport,
  RequestContext,
  SchemaInput,
} from "@backplane/protocol";

import type { WorkflowResult } from "./result.ts";
import type { Workflow } from "./workflow.ts";

/** Values by the name of their port. */
export type PortValues = Readonly<Record<string, unknown>>;

/** One output of a node. */
export interface OutputPort {
  /** What its values look like: a Standard Schema that converts to JSON Schema, or raw JSON Schema. */
  readonly schema?: SchemaInput | undefined;
  /**
   * Whether the node may leave it out to say that this way is not taken: then what is connected to it is
   * skipped. Without it a missing output is a failure. Default false.
   */
  readonly conditional?: boolean;
}

/** The ports of a node: what can be connected to it, and what it can be connected to. */
export interface NodePorts {
  /**
   * An object schema, whose properties are the inputs; a required property is an input that must be bound.
   * Undefined: whatever is connected is an input, unchecked.
   */
  readonly input?: SchemaInput | undefined;
  /** Whether inputs are checked against the schema before the node runs. Default true. */
  readonly checkInput?: boolean;
  readonly outputs: Readonly<Record<string, OutputPort>>;
}

/**
 * What a running node knows of its run. `elicit`, `elicitAll`, `sample` and `roots` ask the client of the request
 * that the run serves (`workflowAsTool`); keys need to be unique within one node only. `once` remembers a JSON
 * value for as long as the run lasts, over the rounds of a modern request included.
 */
export interface NodeContext
  extends Pick<InputContext, "elicit" | "elicitAll" | "sample" | "roots" | "once"> {
  /** The workflow's name. */
  readonly workflow: string;
  readonly runId: string;
  /** The node's id; inside of another workflow or a map with the way to it, such as `outer/inner` or `each[3]`. */
  readonly node: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /**
   * Fires on cancellation, timeout, and when another node has made the run fail. Made on first use. A node that
   * ignores it is waited for, but not longer than its timeout or the run's `graceMs`.
   */
  readonly signal: AbortSignal;
  /** The request that this run serves; undefined for a run of its own. */
  readonly request: RequestContext | undefined;
  /** Reports how far this node is. */
  progress(report: ProgressReport | number): void;
  /**
   * Runs another workflow as a part of this node: with its signal, its client, its memory and in its trace.
   * @param key tells the runs of one node apart. Needed when there are several.
   * @throws {WorkflowRunError} when it did not complete.
   */
  run(
    workflow: Workflow,
    parameters?: Readonly<Record<string, unknown>>,
    key?: string | number,
  ): Promise<WorkflowResult>;
}

/** What a look at the world, at build time, taught a node about itself. */
export interface NodeInspection {
  /** Replaces what the node said of its ports. */
  readonly ports?: NodePorts;
  readonly idempotent?: boolean;
  /** Faults that make the node unusable; each becomes a problem of the build. */
  readonly problems?: readonly string[];
  /** Why nothing could be learnt, such as a server that is away: not a fault. */
  readonly unchecked?: string;
}

/** One kind of step. The same object may stand in many graphs and run many times at once. */
export interface WorkflowNode {
  /** The name under which a node registry makes such nodes again, such as `MCPToolNode`. */
  readonly type: string;
  readonly ports: NodePorts;
  /** Whether running it twice does no harm. Default false. Decides about retries and replays. */
  readonly idempotent?: boolean;
  /**
   * Whether all its work is done by nodes of inner workflows, which are remembered one by one. Default false: the
   * outputs of the node are remembered as a whole.
   */
  readonly composite?: boolean;
  /** Looks, at build time, at what the node depends on. Rejections count as `unchecked`. */
  inspect?(signal: AbortSignal): Promise<NodeInspection>;
  /**
   * Does the work. The inputs are the node's own copy.
   * @returns the outputs by the name of their port.
   */
  run(inputs: Record<string, unknown>, context: NodeContext): PortValues | Promise<PortValues>;
  /** What the registry's factory needs to make this node again. Without it the factory gets `{}`. */
  toConfig?(): JsonObject;
}
