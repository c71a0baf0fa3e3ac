import { abortListener, type ProgressReport, unwatchAbort, watchAbort } from "@backplane/protocol";
import { checkOutputs } from "./check-outputs.ts";
import type { WorkflowLimits } from "./draft.ts";
import { WorkflowError } from "./errors.ts";
import { gatherInputs } from "./gather.ts";
import { emptyRecord } from "./internal/records.ts";
import { asError, NodeRun, type NodeRunHost } from "./node-run.ts";
import { collectOutputs } from "./outputs.ts";
import type { ResolvedParameters } from "./parameters.ts";
import type { Plan, PlanNode } from "./plan.ts";
import { publishNodeEnd, publishNodeStart, publishRunStart } from "./publish.ts";
import type {
  NodeResult,
  NodeStatus,
  TraceEvent,
  WorkflowResult,
  WorkflowStatus,
} from "./result.ts";
import { isWaiting, type RunScope } from "./run-scope.ts";
import type { PortValues } from "./workflow-node.ts";

/** Reports of progress that a trace holds: a node may make as many as it likes. */
const MAX_PROGRESS = 1_000;

interface NodeState {
  readonly id: string;
  readonly plan: PlanNode;
  status: NodeStatus | "pending" | "running";
  outputs: PortValues | undefined;
  /** How many of the nodes that it waits for have not ended. */
  waitsFor: number;
  startedAtMs: number | undefined;
  /** When it began, for those who listen on the channels. */
  observedAtMs: number | undefined;
  durationMs: number;
  error: Error | undefined;
  reason: string | undefined;
  run: NodeRun | undefined;
}

/** Settled nodes are looked at only after they have ended. */
type EndedNode = NodeState & { status: NodeStatus };

/**
 * One run of a plan: one queue of nodes that are ready, a limit on how many run, and an end that waits for all
 * that was begun.
 */
export class WorkflowRun implements NodeRunHost {
  readonly workflow: string;
  readonly scope: RunScope;
  readonly nodeTimeoutMs: number;
  readonly #plan: Plan;
  readonly #parameters: ResolvedParameters;
  readonly #limits: WorkflowLimits;
  readonly #states: NodeState[];
  readonly #ready: number[] = [];
  readonly #trace: TraceEvent[] = [];
  readonly #startedAtMs: number;
  readonly #settled: (index: number) => EndedNode = (index) => this.#states[index] as EndedNode;
  #taken = 0;
  #running = 0;
  #unfinished: number;
  #progress = 0;
  #over = false;
  #status: "failed" | "cancelled" | "waiting" | undefined = undefined;
  #error: Error | undefined = undefined;
  #finish: (() => void) | undefined = undefined;
  #cancelGrace: (() => void) | undefined = undefined;

  constructor(plan: Plan, parameters: ResolvedParameters, scope: RunScope, limits: WorkflowLimits) {
    this.workflow = plan.name;
    this.nodeTimeoutMs = limits.nodeTimeoutMs;
    this.#plan = plan;
    this.#parameters = parameters;
    this.scope = scope;
    this.#limits = limits;
    this.#unfinished = plan.nodes.length;
    this.#startedAtMs = scope.clock.now();
    this.#states = plan.nodes.map((node) => ({
      id: node.id,
      plan: node,
      status: "pending",
      outputs: undefined,
      waitsFor: node.waitsFor,
      startedAtMs: undefined,
      observedAtMs: undefined,
      durationMs: 0,
      error: undefined,
      reason: undefined,
      run: undefined,
    }));
    for (const node of plan.nodes) if (node.waitsFor === 0) this.#ready.push(node.index);
  }

  /** Resolves when everything that was begun has ended, or been given up. Never rejects. */
  async execute(): Promise<WorkflowResult> {
    const { signal } = this.scope;
    const listener = abortListener(() => this.#cancel(signal?.reason));
    const publishEnd = publishRunStart(this);
    this.#event({ node: undefined, event: "run_started" });
    const cancelTimer = this.after(this.#limits.timeoutMs, () => this.#timeOut());
    if (signal?.aborted === true) listener.onAbort();
    else if (signal !== undefined) watchAbort(signal, listener);
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#pump();
    });
    if (signal !== undefined) unwatchAbort(signal, listener);
    cancelTimer();
    this.#cancelGrace?.();
    const result = this.#result();
    publishEnd?.(result);
    return result;
  }

  /** What runs while a round only waits may go on to its own end. */
  get ending(): Error | undefined {
    return this.#status === "waiting" ? undefined : this.#error;
  }

  after(delayMs: number, callback: () => void): () => void {
    // A timer would take it for no time at all.
    if (delayMs === Number.POSITIVE_INFINITY) return () => {};
    return this.scope.clock.after(delayMs, callback);
  }

  innerEvent(event: TraceEvent): void {
    const { node, event: what, attempt, detail } = event;
    this.#event({
      node,
      event: what,
      ...(attempt !== undefined && { attempt }),
      ...(detail !== undefined && { detail }),
    });
  }

  nodeProgress(node: string, report: ProgressReport): void {
    const { progress, total, message } = report;
    const share = total === undefined ? String(progress) : `${progress}/${total}`;
    const detail = message === undefined ? share : `${share} ${message}`;
    this.#event({ node, event: "node_progress", detail });
  }

  nodeRetrying(node: string, attempt: number, error: Error, delayMs: number): void {
    const detail = `in ${Math.round(delayMs)} ms, after: ${error.message}`;
    this.#event({ node, event: "node_retrying", attempt, detail });
  }

  /** Starts what may start. A loop and no recursion: a thousand skipped nodes are no thousand frames. */
  #pump(): void {
    while (this.#taken < this.#ready.length && this.#running < this.#limits.concurrency) {
      if (this.#error !== undefined) break;
      const state = this.#states[this.#ready[this.#taken++] as number] as NodeState;
      if (state.status === "pending") this.#start(state);
    }
    if (this.#running > 0) return;
    if (this.#unfinished > 0) {
      const reason = this.#error === undefined ? "it was never reached" : this.#endingReason();
      for (const state of this.#states) if (state.status === "pending") this.#skip(state, reason);
    }
    this.#finish?.();
    this.#finish = undefined;
  }

  #start(state: NodeState): void {
    let inputs: Record<string, unknown>;
    try {
      const gathered = gatherInputs(state.plan, this.#settled, this.#parameters);
      if (gathered.skip !== undefined) {
        this.#skip(state, gathered.skip);
        return;
      }
      inputs = gathered.inputs;
    } catch (error) {
      this.#fail(state, asError(error, this.scope.pathOf(state.id)));
      return;
    }
    const path = this.scope.pathOf(state.id);
    state.status = "running";
    state.startedAtMs = this.scope.clock.now();
    state.run = new NodeRun(state.plan, this, path);
    this.#running++;
    publishNodeStart(this, state, path);
    this.#event({ node: path, event: "node_started" });
    const { plan: node, run } = state;
    const execute = (): Promise<PortValues> => run.execute(inputs);
    // Of a composite node its parts are remembered.
    const running =
      node.node.composite === true
        ? execute()
        : this.scope.memory.remember({ node, path, execute });
    running.then(
      (outputs) => this.#completed(state, outputs),
      (error) => this.#threw(state, error),
    );
  }

  #completed(state: NodeState, outputs: PortValues): void {
    if (state.status !== "running") return;
    const remembered = state.run?.attempts === 0;
    this.#event({
      node: this.scope.pathOf(state.id),
      event: remembered ? "node_remembered" : "node_completed",
    });
    state.outputs = outputs;
    this.#ended(state, "completed");
    this.#pump();
  }

  #threw(state: NodeState, thrown: unknown): void {
    if (state.status !== "running") return;
    if (isWaiting(thrown)) {
      this.#event({ node: this.scope.pathOf(state.id), event: "node_waiting" });
      this.#end(
        "waiting",
        new WorkflowError("waiting", `node "${state.id}" waits for the client's answer`, {
          node: state.id,
        }),
        false,
      );
      this.#ended(state, "waiting");
    } else if (this.ending !== undefined) {
      state.error = asError(thrown, this.scope.pathOf(state.id));
      this.#event({
        node: this.scope.pathOf(state.id),
        event: "node_cancelled",
        detail: state.error.message,
      });
      this.#ended(state, "cancelled");
    } else {
      this.#fail(state, asError(thrown, this.scope.pathOf(state.id)));
    }
    this.#pump();
  }

  #fail(state: NodeState, thrown: Error): void {
    let error = thrown;
    const { onError } = state.plan.settings;
    if (typeof onError === "object") {
      try {
        const { fallback } = onError;
        const outputs = typeof fallback === "function" ? fallback(error) : fallback;
        state.outputs = checkOutputs(state.plan, this.scope.pathOf(state.id), outputs);
        state.error = error;
        this.#event({
          node: this.scope.pathOf(state.id),
          event: "node_fallback",
          detail: error.message,
        });
        this.#ended(state, "fallback");
        return;
      } catch (failure) {
        error = asError(failure, this.scope.pathOf(state.id));
      }
    }
    state.error = error;
    this.#event({ node: this.scope.pathOf(state.id), event: "node_failed", detail: error.message });
    this.#ended(state, "failed");
    if (onError !== "continue") this.#end("failed", error, true);
  }

  #skip(state: NodeState, reason: string): void {
    state.reason = reason;
    this.#event({ node: this.scope.pathOf(state.id), event: "node_skipped", detail: reason });
    this.#ended(state, "skipped");
  }

  #ended(state: NodeState, status: NodeStatus): void {
    if (state.status === "running") this.#running--;
    state.status = status;
    this.#unfinished--;
    if (state.startedAtMs !== undefined) {
      state.durationMs = this.scope.clock.now() - state.startedAtMs;
      publishNodeEnd(this, state, this.scope.pathOf(state.id));
    }
    for (const index of state.plan.dependents) {
      const dependent = this.#states[index] as NodeState;
      if (--dependent.waitsFor === 0) this.#ready.push(index);
    }
  }

  #cancel(reason: unknown): void {
    const error = new WorkflowError("cancelled", `workflow "${this.workflow}" was cancelled`, {
      cause: reason,
    });
    this.#end("cancelled", error, true);
    this.#pump();
  }

  #timeOut(): void {
    const text = `workflow "${this.workflow}" took longer than ${this.#limits.timeoutMs} ms`;
    this.#end("failed", new WorkflowError("timeout", text), true);
  }

  /** Nothing begins any more. The first reason counts, but a round that only waits yields to a real end. */
  #end(status: "failed" | "cancelled" | "waiting", error: Error, abort: boolean): void {
    const isFirst = this.#error === undefined;
    if (!isFirst && (this.#status !== "waiting" || status === "waiting")) return;
    this.#error = error;
    this.#status = status;
    if (!abort) return;
    for (const { status: each, run } of this.#states) if (each === "running") run?.abort(error);
    this.#cancelGrace ??= this.after(this.#limits.graceMs, () => this.#leaveBehind());
  }

  /** Whatever comes of these now, nobody waits for it. */
  #leaveBehind(): void {
    for (const state of this.#states) {
      if (state.status !== "running") continue;
      const node = this.scope.pathOf(state.id);
      const text = `node "${node}" did not heed its signal for ${this.#limits.graceMs} ms and was left behind`;
      this.#threw(state, new WorkflowError("cancelled", text, { node }));
    }
  }

  #endingReason(): string {
    const detail = this.#error?.message ?? "";
    return this.#status === "waiting" ? detail : `the run ended early: ${detail}`;
  }

  #event(event: Omit<TraceEvent, "atMs">): void {
    // What was left behind may still report: the result does not change any more.
    if (this.#over) return;
    const full = { atMs: this.scope.clock.now() - this.#startedAtMs, ...event };
    if (event.event !== "node_progress" || this.#progress++ < MAX_PROGRESS) this.#trace.push(full);
    const failure = this.scope.observe(full);
    if (failure !== undefined) {
      this.#trace.push({ ...full, event: "observer_failed", detail: failure });
    }
  }

  #result(): WorkflowResult {
    const nodes = emptyRecord<NodeResult>();
    let tolerated = false;
    for (const state of this.#states) {
      const { outputs, startedAtMs, durationMs, error, reason, run } = state;
      const status = state.status as NodeStatus;
      if (status === "failed") tolerated = true;
      const attempts = run?.attempts ?? 0;
      nodes[state.id] = { status, outputs, attempts, startedAtMs, durationMs, error, reason };
    }
    const collected = collectOutputs(this.#plan, this.#settled);
    // An output that is not where it was declared to be is a failure of the run, if it has no worse one.
    if (this.#status === undefined && collected.fault !== undefined) {
      this.#status = "failed";
      this.#error = collected.fault;
    }
    const status: WorkflowStatus = this.#status ?? (tolerated ? "partial" : "completed");
    this.#event({ node: undefined, event: "run_ended", detail: status });
    this.#over = true;
    return {
      runId: this.scope.runId,
      workflow: this.workflow,
      status,
      outputs: collected.outputs,
      nodes,
      startedAtMs: this.#startedAtMs,
      durationMs: this.scope.clock.now() - this.#startedAtMs,
      error: this.#error,
      trace: this.#trace,
    };
  }
}
