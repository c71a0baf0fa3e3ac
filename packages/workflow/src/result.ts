import type { PortValues } from "./workflow-node.ts";

/**
 * How a node ended. `fallback`: it failed and its fallback stands in. `skipped`: it never ran; `reason` says why.
 * `cancelled`: it ran when the run was ended. `waiting`: it asked the client, which has not answered.
 */
export type NodeStatus = "completed" | "fallback" | "failed" | "skipped" | "cancelled" | "waiting";

/**
 * How a run ended. `partial`: a node failed whose failure the graph tolerates (`onError: "continue"`).
 * `waiting`: a node asked the client, and the run goes on with the request that brings the answer.
 */
export type WorkflowStatus = "completed" | "partial" | "failed" | "cancelled" | "waiting";

/** What became of one node. */
export interface NodeResult {
  readonly status: NodeStatus;
  /** By port; undefined unless `completed` or `fallback`. */
  readonly outputs: PortValues | undefined;
  /** 0 for a node that never ran, or whose outputs were remembered from an earlier process or round. */
  readonly attempts: number;
  /** Milliseconds since the epoch; undefined for a node that never ran. */
  readonly startedAtMs: number | undefined;
  /** From the start to the end, with all attempts and the waits between them, in milliseconds. */
  readonly durationMs: number;
  /** What the last attempt threw. */
  readonly error: Error | undefined;
  /** Why it was skipped. */
  readonly reason: string | undefined;
}

/** One thing that happened in a run. */
export interface TraceEvent {
  /** Milliseconds since the run began. */
  readonly atMs: number;
  /** The node's id, with the way to it; undefined for what concerns the run. */
  readonly node: string | undefined;
  readonly event:
    | "run_started"
    | "node_started"
    | "node_progress"
    | "node_retrying"
    | "node_completed"
    | "node_remembered"
    | "node_fallback"
    | "node_failed"
    | "node_skipped"
    | "node_cancelled"
    | "node_waiting"
    | "observer_failed"
    | "run_ended";
  /** The attempt, where there is one. */
  readonly attempt?: number;
  /** A reason, an error's message, a status. Never an input or an output. */
  readonly detail?: string;
}

/** Everything that is known of a run that has ended. */
export interface WorkflowResult {
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  readonly status: WorkflowStatus;
  /**
   * The declared outputs, those that there are; without declared ones the outputs of every node that nothing is
   * connected to, by its id.
   */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** By node id, in the order in which they were added. */
  readonly nodes: Readonly<Record<string, NodeResult>>;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** What ended the run early; undefined for `completed` and `partial`. */
  readonly error: Error | undefined;
  /** In the order in which it happened, inner workflows included. Of `node_progress` the first 1,000. */
  readonly trace: readonly TraceEvent[];
}
