import type { Clock, JsonValue, RequestContext } from "@backplane/protocol";
import { WorkflowError } from "./errors.ts";
import type { Plan, PlanNode } from "./plan.ts";
import type { TraceEvent } from "./result.ts";
import type { NodeContext, PortValues } from "./workflow-node.ts";

type Asking = Pick<NodeContext, "elicit" | "elicitAll" | "sample" | "roots">;

/** Where a run takes place: by itself, in a request, or inside of another run. */
export interface RunScope {
  readonly runId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly request: RequestContext | undefined;
  /** The way to a node, as it is written outside of the run. */
  pathOf(id: string): string;
  ask<Value>(
    node: string,
    ask: (request: Asking, prefix: string) => Promise<Value>,
  ): Promise<Value>;
  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value>;
  /** Whether an error is the end of a round of the request. */
  isWaiting(error: unknown): boolean;
  /** The outputs of the node as an earlier round or process left them, or else as `execute` makes them. */
  remember(node: PlanNode, path: string, execute: () => Promise<PortValues>): Promise<PortValues>;
  /** Tells whoever watches. @returns what went wrong with it. */
  observe(event: TraceEvent, plan: Plan): string | undefined;
}

/** The scope of a run that serves nobody. */
export function ownScope(
  runId: string,
  clock: Clock,
  signal: AbortSignal | undefined,
  onEvent: ((event: TraceEvent) => void) | undefined,
): RunScope {
  const memos = new Map<string, Promise<JsonValue>>();
  return {
    ...{ runId, clock, signal, request: undefined },
    pathOf: (id) => id,
    ask: (node) =>
      Promise.reject(
        new WorkflowError(
          "no_client",
          `node "${node}" asks the client, and this run serves none: serve the workflow with workflowAsTool`,
          { node },
        ),
      ),
    once: <Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>) =>
      onceIn(memos, key, fn),
    isWaiting: () => false,
    remember: (_node, _path, execute) => execute(),
    observe: (event) => observed(onEvent, event),
  };
}

/** Runs `fn` once for each key of a map. A failure is not remembered. */
function onceIn<Value extends JsonValue>(
  memos: Map<string, Promise<JsonValue>>,
  key: string,
  fn: () => Value | Promise<Value>,
): Promise<Value> {
  let memo = memos.get(key);
  if (memo === undefined) {
    memo = (async () => fn())();
    memos.set(key, memo);
    memo.catch(() => memos.delete(key));
  }
  return memo as Promise<Value>;
}

/** An observer must not be able to end a run, nor to fail unseen. */
function observed(
  onEvent: ((event: TraceEvent) => void) | undefined,
  event: TraceEvent,
): string | undefined {
  if (onEvent === undefined) return undefined;
  try {
    onEvent(event);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
