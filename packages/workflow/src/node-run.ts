import { Attempt, type AttemptHost } from "./attempt.ts";
import { checkOutputs } from "./check-outputs.ts";
import { WorkflowError } from "./errors.ts";
import { plainCopy } from "./internal/plain-copy.ts";
import { emptyRecord } from "./internal/records.ts";
import type { PlanNode } from "./plan.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { isWaiting } from "./run-scope.ts";
import type { PortValues } from "./workflow-node.ts";

/** What the attempts of a node need of the run. */
export interface NodeRunHost extends AttemptHost {
  readonly nodeTimeoutMs: number;
  /** Whether the run has been ended, so that nothing is to begin any more. */
  readonly ending: Error | undefined;
  nodeRetrying(node: string, attempt: number, error: Error, delayMs: number): void;
}

/** What a schema made of inputs that were data. */
const NEVER = (path: string, what: string): never => {
  throw new WorkflowError("invalid_input", `the input "${path}" is ${what}: inputs must be data`);
};

/** All attempts of one node in one run. */
export class NodeRun {
  attempts = 0;
  readonly #plan: PlanNode;
  readonly #host: NodeRunHost;
  readonly #path: string;
  #current: Attempt | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(plan: PlanNode, host: NodeRunHost, path: string) {
    this.#plan = plan;
    this.#host = host;
    this.#path = path;
  }

  /** @throws what the last attempt threw, as an `Error`. */
  async execute(given: Record<string, unknown>): Promise<PortValues> {
    const { node, settings, idempotent, ports } = this.#plan;
    const inputs = ports.validate === undefined ? given : await this.#checked(given);
    // The nodes inside have limits of their own.
    const defaultMs = node.composite === true ? Number.POSITIVE_INFINITY : this.#host.nodeTimeoutMs;
    const timeoutMs = settings.timeoutMs ?? defaultMs;
    for (;;) {
      this.attempts++;
      const attempt = new Attempt(this.#host, this.#path, this.attempts, timeoutMs);
      this.#current = attempt;
      try {
        // Each attempt gets inputs that no other has touched.
        const fresh =
          this.attempts === 1 && settings.retry.maxRetries === 0 ? inputs : this.#copy(inputs);
        const outputs = await attempt.execute(node, fresh);
        // Whatever it made of its question: it has no answer, and is to run again.
        if (attempt.isWaiting) throw waiting(this.#path);
        return checkOutputs(this.#plan, this.#path, outputs);
      } catch (thrown) {
        if (attempt.isWaiting || isWaiting(thrown)) throw waiting(this.#path, thrown);
        const error = asError(thrown, this.#path);
        const { ending } = this.#host;
        if (ending !== undefined) throw error;
        const delayMs = retryDelayMs(error, this.attempts, idempotent, settings.retry);
        if (delayMs === undefined) throw error;
        this.#host.nodeRetrying(this.#path, this.attempts, error, delayMs);
        await this.#sleep(delayMs);
        if (this.#host.ending !== undefined) throw error;
      }
    }
  }

  /** Fires the signal of the attempt under way, and ends a wait for the next one. */
  abort(reason: unknown): void {
    this.#current?.abort(reason);
    this.#wake?.();
  }

  async #checked(inputs: Record<string, unknown>): Promise<Record<string, unknown>> {
    const outcome = await this.#plan.ports.validate?.(inputs);
    if (outcome?.issues === undefined) return (outcome?.value ?? inputs) as Record<string, unknown>;
    const issues = outcome.issues.map(({ path, message }) =>
      path === "" ? message : `${path}: ${message}`,
    );
    throw new WorkflowError(
      "invalid_input",
      `node "${this.#path}" does not take its inputs: ${issues.join("; ")}`,
      { node: this.#path },
    );
  }

  #copy(inputs: Record<string, unknown>): Record<string, unknown> {
    const copied = emptyRecord<unknown>();
    for (const name of Object.keys(inputs)) {
      copied[name] = plainCopy(inputs[name], NEVER);
    }
    return copied;
  }

  async #sleep(delayMs: number): Promise<void> {
    let cancel: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      cancel = this.#host.after(delayMs, resolve);
    });
    cancel?.();
    this.#wake = undefined;
  }
}

function waiting(node: string, cause?: unknown): WorkflowError {
  return new WorkflowError("waiting", `node "${node}" waits for the client's answer`, {
    node,
    cause,
  });
}

/** Whatever was thrown, as an error whose cause it is. */
export function asError(thrown: unknown, path: string): Error {
  if (thrown instanceof Error) return thrown;
  let text: string;
  try {
    text = String(thrown);
  } catch {
    text = typeof thrown;
  }
  return new WorkflowError("node_failed", `node "${path}" threw ${text}, which is no Error`, {
    node: path,
    cause: thrown,
  });
}
