import { CHANNELS, type WorkflowNodeEndEvent } from "@backplane/protocol";
import type { PlanNode } from "./plan.ts";
import type { NodeStatus, WorkflowResult } from "./result.ts";
import type { RunScope } from "./run-scope.ts";

/** A run, as the channels tell of it. */
interface PublishedRun {
  readonly workflow: string;
  readonly scope: RunScope;
}

/** A node of a run, as the channels tell of it. */
interface PublishedNode {
  readonly plan: PlanNode;
  readonly status: NodeStatus | "pending" | "running";
  observedAtMs: number | undefined;
  readonly error: Error | undefined;
  readonly run: { readonly attempts: number } | undefined;
}

/** Tells that an outermost run began. @returns what tells its end; undefined when nobody listens. */
export function publishRunStart({
  workflow,
  scope,
}: PublishedRun): ((result: WorkflowResult) => void) | undefined {
  const { workflowRunStart, workflowRunEnd } = CHANNELS;
  // An inner run is a node of the outer one.
  if (scope.outer !== undefined) return undefined;
  if (!workflowRunStart.hasSubscribers && !workflowRunEnd.hasSubscribers) return undefined;
  const { runId, request } = scope;
  const startedAtMs = performance.now();
  const event = { serverId: request?.serverId, workflow, runId, startedAtMs };
  if (workflowRunStart.hasSubscribers) workflowRunStart.publish(event);
  return ({ status }) => {
    workflowRunEnd.publish({ ...event, durationMs: performance.now() - startedAtMs, status });
  };
}

/** Tells that a node began. */
export function publishNodeStart(run: PublishedRun, node: PublishedNode, path: string): void {
  const { workflowNodeStart, workflowNodeEnd } = CHANNELS;
  if (!workflowNodeStart.hasSubscribers && !workflowNodeEnd.hasSubscribers) return;
  node.observedAtMs = performance.now();
  if (workflowNodeStart.hasSubscribers) {
    workflowNodeStart.publish(nodeEvent(run, node, path, node.observedAtMs));
  }
}

/** Tells that a node which had begun ended. */
export function publishNodeEnd(run: PublishedRun, node: PublishedNode, path: string): void {
  const { observedAtMs, status, error } = node;
  if (observedAtMs === undefined || !CHANNELS.workflowNodeEnd.hasSubscribers) return;
  CHANNELS.workflowNodeEnd.publish({
    ...nodeEvent(run, node, path, observedAtMs),
    durationMs: performance.now() - observedAtMs,
    // One that began is neither skipped nor still to run.
    status: status as WorkflowNodeEndEvent["status"],
    attempts: node.run?.attempts ?? 0,
    error,
  });
}

function nodeEvent(
  { workflow, scope }: PublishedRun,
  { plan }: PublishedNode,
  node: string,
  startedAtMs: number,
) {
  return {
    serverId: scope.request?.serverId,
    workflow: scope.outer ?? workflow,
    runId: scope.runId,
    node,
    nodeType: plan.node.type,
    startedAtMs,
  };
}
