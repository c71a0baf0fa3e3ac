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
import type { NodeContext, PortValues, WorkflowNode } from "./workflow-node.ts";

/** What an attempt needs of the run that it belongs to. */
export interface AttemptHost {
  readonly workflow: string;
  readonly runId: string;
  readonly request: RequestContext | undefined;
  after(delayMs: number, callback: () => void): () => void;
  nodeProgress(node: string, report: ProgressReport): void;
  /** Asks the client of the run's request. @throws {WorkflowError} `no_client` without one. */
  ask<Value>(
    node: string,
    ask: (request: NonNullable<AskedRequest>, prefix: string) => Promise<Value>,
  ): Promise<Value>;
  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value>;
}

type AskedRequest = Pick<NodeContext, "elicit" | "elicitAll" | "sample" | "roots">;

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
    return this.#host.runId;
  }

  get request(): RequestContext | undefined {
    return this.#host.request;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
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

  /** Waits no longer for the node. */
  abandon(error: unknown): void {
    this.#end();
    this.#reject?.(error);
  }

  progress(report: ProgressReport | number): void {
    const full = typeof report === "number" ? { progress: report } : report;
    this.#host.nodeProgress(this.node, full);
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
    return this.#host.once(`${this.node}:${key}`, fn);
  }

  async #ask<Value>(
    ask: (request: AskedRequest, prefix: string) => Promise<Value>,
  ): Promise<Value> {
    this.#asking++;
    this.#cancelTimer?.();
    try {
      return await this.#host.ask(this.node, ask);
    } finally {
      this.#asking--;
      this.#arm();
    }
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
      this.abandon(error);
      this.abort(error);
    });
  }

  #end(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#ended = true;
  }
}
