import type {
  ElicitAsk,
  ElicitContent,
  ElicitResult,
  JsonValue,
  ProgressReport,
  RequestContext,
  Root,
  SampleParams,
  SampleResult,
} from "@backplane/protocol";
import { WorkflowError } from "./errors.ts";
import type { TraceEvent, WorkflowResult } from "./result.ts";
import { runError, runInside } from "./run-inside.ts";
import { isWaiting, type Question, type RunScope } from "./run-scope.ts";
import type { Workflow } from "./workflow.ts";
import type { NodeContext, PortValues, WorkflowNode } from "./workflow-node.ts";

/** Deeper nesting is taken for a workflow that contains itself. */
const MAX_NESTING = 32;

/** What an attempt needs of the run that it belongs to. */
export interface AttemptHost {
  readonly workflow: string;
  readonly scope: RunScope;
  after(delayMs: number, callback: () => void): () => void;
  nodeProgress(node: string, report: ProgressReport): void;
  /** Something happened in a run inside of a node. */
  innerEvent(event: TraceEvent): void;
}

/** One attempt of one node, and the context that it sees: a single object, and nothing that it does not use. */
export class Attempt implements NodeContext {
  readonly node: string;
  readonly attempt: number;
  readonly #host: AttemptHost;
  readonly #timeoutMs: number;
  #controller: AbortController | undefined = undefined;
  #aborted: { readonly reason: unknown } | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  #cancelTimer: (() => void) | undefined = undefined;
  /** Questions that wait for the client; the clock stands still meanwhile. */
  #asking = 0;
  #ended = false;
  #waiting = false;

  constructor(host: AttemptHost, node: string, attempt: number, timeoutMs: number) {
    this.#host = host;
    this.node = node;
    this.attempt = attempt;
    this.#timeoutMs = timeoutMs;
  }

  get workflow(): string {
    return this.#host.workflow;
  }

  get runId(): string {
    return this.#host.scope.runId;
  }

  get request(): RequestContext | undefined {
    return this.#host.scope.request;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Whether a question waits for the client's answer, whatever the node made of that. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Runs the node. Settles when the node does, or when it is given up. */
  execute(node: WorkflowNode, inputs: Record<string, unknown>): Promise<PortValues> {
    return new Promise<PortValues>((resolve, reject) => {
      this.#reject = reject;
      this.#arm();
      let outputs: PortValues | Promise<PortValues>;
      try {
        outputs = node.run(inputs, this);
      } catch (error) {
        this.#end();
        reject(error);
        return;
      }
      Promise.resolve(outputs).then(
        (value) => {
          this.#end();
          resolve(value);
        },
        (error) => {
          this.#end();
          reject(error);
        },
      );
    });
  }

  /** Fires the signal. The attempt goes on until its node heeds it. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }

  progress(report: ProgressReport | number): void {
    const full = typeof report === "number" ? { progress: report } : report;
    this.#host.nodeProgress(this.node, full);
  }

  async run(
    workflow: Workflow,
    parameters: Readonly<Record<string, unknown>> = {},
    key?: string | number,
  ): Promise<WorkflowResult> {
    const base = key === undefined ? this.node : `${this.node}[${key}]`;
    const { scope } = this.#host;
    if (base.split("/").length > MAX_NESTING) {
      const text = `workflows are nested deeper than ${MAX_NESTING}: does one contain itself?`;
      throw new WorkflowError("node_failed", text, { node: this.node });
    }
    const result = await runInside(workflow, parameters, {
      ...scope,
      signal: this.signal,
      outer: scope.outer ?? this.#host.workflow,
      pathOf: (id) => `${base}/${id}`,
      ask: (node, question) => this.askFor(node, question),
      observe: (event) => {
        if (event.node !== undefined) this.#host.innerEvent(event);
        return undefined;
      },
    });
    if (result.status === "waiting") this.#waiting = true;
    if (result.status === "completed" || result.status === "partial") return result;
    throw runError(result);
  }

  elicit<const Ask extends ElicitAsk>(
    key: string,
    ask: Ask,
  ): Promise<ElicitResult<ElicitContent<Ask>>> {
    return this.#ask((request, prefix) => request.elicit(prefix + key, ask));
  }

  elicitAll<const Asks extends Readonly<Record<string, ElicitAsk>>>(
    asks: Asks,
  ): Promise<{ [Key in keyof Asks]: ElicitResult<ElicitContent<Asks[Key]>> }> {
    return this.#ask(async (request, prefix) => {
      const keys = Object.keys(asks);
      const prefixed = Object.fromEntries(
        keys.map((key) => [prefix + key, asks[key] as ElicitAsk]),
      );
      const answers: Readonly<Record<string, unknown>> = await request.elicitAll(prefixed);
      const own = Object.fromEntries(keys.map((key) => [key, answers[prefix + key]]));
      return own as { [Key in keyof Asks]: ElicitResult<ElicitContent<Asks[Key]>> };
    });
  }

  sample(key: string, params: SampleParams): Promise<SampleResult> {
    return this.#ask((request, prefix) => request.sample(prefix + key, params));
  }

  roots(key: string): Promise<readonly Root[]> {
    return this.#ask((request, prefix) => request.roots(prefix + key));
  }

  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value> {
    return this.#host.scope.memory.once(`${this.node}:${key}`, fn);
  }

  /** Puts a question to the client: this node's, or one of a node inside of it. */
  async askFor<Value>(node: string, question: Question<Value>): Promise<Value> {
    this.#asking++;
    this.#cancelTimer?.();
    try {
      return await this.#host.scope.ask(node, question);
    } catch (error) {
      if (isWaiting(error)) this.#waiting = true;
      throw error;
    } finally {
      this.#asking--;
      this.#arm();
    }
  }

  #ask<Value>(question: Question<Value>): Promise<Value> {
    return this.askFor(this.node, question);
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#ended || this.#asking > 0) return;
    this.#cancelTimer = this.#host.after(this.#timeoutMs, () => {
      const error = new WorkflowError(
        "timeout",
        `node "${this.node}" took longer than ${this.#timeoutMs} ms`,
        { node: this.node },
      );
      // A node that heeds its signal must not win with an error of its own.
      this.#end();
      this.#reject?.(error);
      this.abort(error);
    });
  }

  #end(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#ended = true;
  }
}
