import {
  type Clock,
  canonicalJson,
  digest,
  type JsonObject,
  type JsonValue,
} from "@backplane/protocol";
import { WorkflowError, WorkflowRunError } from "./errors.ts";
import { fromJson, toJson } from "./internal/json-outputs.ts";
import type { Memory, NodeTask } from "./memory.ts";
import { describeFailure, reviveFailure } from "./node-failure.ts";
import type { Plan } from "./plan.ts";
import type { WorkflowResult } from "./result.ts";
import type { JournalEntry, RunJournal } from "./run-journal.ts";
import { isWaiting } from "./run-scope.ts";
import type { PortValues } from "./workflow-node.ts";

/** What a run needs to write itself down. */
export interface JournaledRun {
  readonly journal: RunJournal;
  readonly runId: string;
  readonly plan: Plan;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  /** Whether a node that ran when its process ended is run again although it is not idempotent. */
  readonly repeatInterrupted: boolean;
  /** Whether an earlier round of the request began it, so that the journal must know it. */
  readonly begun: boolean;
}

type NodeRecord = Extract<JournalEntry, { readonly node: string }>;

/** The memory of a run that a journal keeps. */
export class JournalMemory implements Memory {
  readonly #run: JournaledRun;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #memos = new Map<string, JsonValue | undefined>();
  readonly #making = new Map<string, Promise<JsonValue | undefined>>();

  private constructor(run: JournaledRun, entries: readonly JournalEntry[]) {
    this.#run = run;
    for (const entry of entries) {
      if (entry.type === "memo") this.#memos.set(entry.key, entry.value);
      else if ("node" in entry) this.#nodes.set(entry.node, entry);
    }
  }

  /**
   * Begins a run in its journal, or goes on with one that is there.
   * @throws {WorkflowError} `invalid_parameters` for a run that was begun otherwise; `journal_failed` when the
   * journal fails, or has forgotten what an earlier round did.
   */
  static async open(run: JournaledRun): Promise<JournalMemory> {
    const { journal, runId, plan, clock } = run;
    const entries = await orFail(runId, "read", journal.read(runId));
    const graph = await digest(canonicalJson(shapeOf(plan)));
    const parameters = await digest(parameterText(run));
    const [first] = entries;
    const memory = new JournalMemory(run, entries);
    if (first === undefined && run.begun) {
      throw new WorkflowError(
        "journal_failed",
        `run "${runId}" is not in the journal any more: what it has done is unknown, so it is not begun again`,
      );
    }
    if (first === undefined) {
      const nodes = plan.nodes.map(({ id }) => id);
      const atMs = clock.now();
      const workflow = plan.name;
      await memory.#append({ type: "run_started", atMs, workflow, nodes, graph, parameters });
      return memory;
    }
    const other = first.type !== "run_started" || first.workflow !== plan.name;
    if (other || first.graph !== graph) {
      throw refused(runId, "was begun by another workflow, or this one has changed since");
    }
    if (first.parameters !== parameters) throw refused(runId, "was begun with other parameters");
    return memory;
  }

  async remember({ node, path, execute }: NodeTask): Promise<PortValues> {
    const before = this.#nodes.get(path);
    if (before?.type === "node_completed") return fromJson(before.outputs, node);
    if (!node.idempotent && before?.type === "node_failed") {
      throw reviveFailure(before.failure, path);
    }
    if (!node.idempotent && before?.type === "node_started" && !this.#run.repeatInterrupted) {
      throw new WorkflowError(
        "interrupted",
        `node "${path}" was running when its process ended: whether it acted is unknown, its outputs are lost, and it is not idempotent; run again with repeatInterrupted: true to repeat it`,
        { node: path },
      );
    }
    await this.#append({ type: "node_started", atMs: this.#now(), node: path });
    let outputs: JsonObject;
    try {
      outputs = toJson(await execute(), path);
    } catch (error) {
      const atMs = this.#now();
      const failure = describeFailure(error);
      await this.#append(
        isWaiting(error)
          ? { type: "node_waiting", atMs, node: path }
          : { type: "node_failed", atMs, node: path, failure },
      );
      throw error;
    }
    await this.#append({ type: "node_completed", atMs: this.#now(), node: path, outputs });
    return fromJson(outputs, node);
  }

  async once<Value extends JsonValue>(
    key: string,
    fn: () => Value | Promise<Value>,
  ): Promise<Value> {
    if (this.#memos.has(key)) return this.#memos.get(key) as Value;
    let made = this.#making.get(key);
    if (made === undefined) {
      made = this.#make(key, fn).finally(() => this.#making.delete(key));
      this.#making.set(key, made);
    }
    return made as Promise<Value>;
  }

  /** @throws {WorkflowRunError} `journal_failed`, with the result: what was done is not lost with the entry. */
  async end(result: WorkflowResult): Promise<void> {
    const { status } = result;
    try {
      await this.#append({ type: "run_ended", atMs: this.#now(), status });
    } catch (error) {
      const { message, cause } = error as WorkflowError;
      throw new WorkflowRunError("journal_failed", message, result, { cause });
    }
  }

  async #make(
    key: string,
    fn: () => JsonValue | Promise<JsonValue>,
  ): Promise<JsonValue | undefined> {
    const { value } = toJson({ value: await fn() }, key);
    await this.#append({ type: "memo", atMs: this.#now(), key, value });
    this.#memos.set(key, value);
    return value;
  }

  #append(entry: JournalEntry): Promise<void> {
    const { journal, runId } = this.#run;
    return orFail(runId, "write", journal.append(runId, entry));
  }

  #now(): number {
    return Math.round(this.#run.clock.now());
  }
}

function shapeOf({ nodes }: Plan): unknown {
  return nodes.map(({ id, node, sources, parameters }) => [
    id,
    node.type,
    sources.map(({ text }) => text),
    parameters.map(({ name, input }) => [name, input]),
  ]);
}

/** Parameters that JSON cannot carry cannot be told from others after a crash. */
function parameterText({ runId, parameters }: JournaledRun): string {
  try {
    return canonicalJson(parameters);
  } catch (cause) {
    throw refused(runId, "has parameters that are no JSON, which a journal needs", cause);
  }
}

function refused(runId: string, why: string, cause?: unknown): WorkflowError {
  return new WorkflowError("invalid_parameters", `run "${runId}" ${why}`, { cause });
}

async function orFail<Value>(runId: string, what: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WorkflowError(
      "journal_failed",
      `run "${runId}": the journal failed to ${what}: ${reason}`,
      { cause },
    );
  }
}
