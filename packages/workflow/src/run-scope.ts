import type { Clock, InputContext, RequestContext } from "@backplane/protocol";
import { isInputPending } from "@backplane/server";
import { WorkflowError } from "./errors.ts";
import { messageOf } from "./internal/message-of.ts";
import { shortPath } from "./internal/short-path.ts";
import type { Memory } from "./memory.ts";
import type { TraceEvent } from "./result.ts";
import type { NodeContext } from "./workflow-node.ts";

/** The part of a request that asks its client. */
export type Asking = Pick<NodeContext, "elicit" | "elicitAll" | "sample" | "roots">;

/** One question of a node, put to the client of a request. `prefix` keeps the keys of nodes apart. */
export type Question<Value> = (request: Asking, prefix: string) => Promise<Value>;

/** Where a run takes place: by itself, in a request, or inside of another run. */
export interface RunScope {
  readonly runId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly request: RequestContext | undefined;
  readonly memory: Memory;
  /** The name of the outermost workflow; undefined when that is this one. */
  readonly outer: string | undefined;
  /** The way to a node from the outermost workflow. */
  pathOf(id: string): string;
  /** Puts a question to the client. @throws {WorkflowError} `no_client` when there is none. */
  ask<Value>(node: string, question: Question<Value>): Promise<Value>;
  /** Tells whoever watches. @returns what went wrong with it. */
  observe(event: TraceEvent): string | undefined;
}

/** What the scope of an outermost run is made of. */
export interface ScopeOptions {
  readonly runId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly request: InputContext | undefined;
  /** Keeps the questions of several workflows of one request apart. */
  readonly label: string;
  readonly memory: Memory;
  readonly onEvent: ((event: TraceEvent) => void) | undefined;
}

/** The scope of an outermost run. */
export function outermostScope(options: ScopeOptions): RunScope {
  const { onEvent, request, signal, label, ...rest } = options;
  return {
    ...rest,
    request,
    signal: request === undefined ? signal : either(signal, request.signal),
    outer: undefined,
    pathOf: (id) => id,
    ask: (node, question) =>
      request === undefined
        ? Promise.reject(noClient(node))
        : question(request, `${shortPath(`${label}:${node}`)}:`),
    observe: (event) => observed(onEvent, event),
  };
}

/** Whether an error is no failure but the end of a round of the request. */
export function isWaiting(error: unknown): boolean {
  return isInputPending(error) || (WorkflowError.isInstance(error) && error.code === "waiting");
}

function noClient(node: string): WorkflowError {
  return new WorkflowError(
    "no_client",
    `node "${node}" asks the client, and this run serves none: serve the workflow with workflowAsTool`,
    { node },
  );
}

function either(own: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  return own === undefined ? other : AbortSignal.any([own, other]);
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
    return messageOf(error);
  }
}
