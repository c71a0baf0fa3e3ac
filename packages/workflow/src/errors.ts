import type { WorkflowResult } from "./result.ts";

/** What can be wrong with a workflow before it runs. */
export type BuildProblemCode =
  | "empty"
  | "invalid_id"
  | "duplicate_id"
  | "unknown_type"
  | "unknown_node"
  | "unknown_port"
  | "invalid_endpoint"
  | "swapped_arguments"
  | "unknown_config"
  | "invalid_config"
  | "invalid_schema"
  | "node_unusable"
  | "cycle"
  | "unbound_input"
  | "input_bound_twice"
  | "schema_mismatch"
  | "retry_without_effect";

/** One fault of a workflow. */
export interface BuildProblem {
  readonly code: BuildProblemCode;
  /** What is wrong and what would mend it. */
  readonly message: string;
  /** The node concerned, where it is one. */
  readonly node?: string | undefined;
}

/** What can go wrong in a run. */
export type WorkflowErrorCode =
  /** A node threw; the cause says what. */
  | "node_failed"
  /** A node, or the run as a whole, took too long. */
  | "timeout"
  /** The caller's signal fired. */
  | "cancelled"
  /** The run's own parameters are wrong. */
  | "invalid_parameters"
  /** What reached a node does not fit its inputs. */
  | "invalid_input"
  /** What a node returned is not what it declares, or is no data. */
  | "invalid_output"
  /** A connection leads to something that is not there. */
  | "missing_path"
  /** A node asks, and there is no client to ask. */
  | "no_client"
  /** The run waits for its client's answer and goes on with the next request. */
  | "waiting"
  /** An earlier process ended while this node ran; whether it acted is unknown. */
  | "interrupted"
  /** The journal could not be written or read. */
  | "journal_failed";

const buildBrand: symbol = Symbol.for("backplane.WorkflowBuildError");
const brand: symbol = Symbol.for("backplane.WorkflowError");
const runBrand: symbol = Symbol.for("backplane.WorkflowRunError");

function has(value: unknown, mark: symbol): boolean {
  return typeof value === "object" && value !== null && mark in value;
}

/** A workflow that cannot run: all its faults at once. */
export class WorkflowBuildError extends Error {
  override readonly name: string = "WorkflowBuildError";
  readonly workflow: string;
  readonly problems: readonly BuildProblem[];

  static {
    Object.defineProperty(WorkflowBuildError.prototype, buildBrand, { value: true });
  }

  constructor(workflow: string, problems: readonly BuildProblem[]) {
    const lines = problems.map(({ code, message }) => `  ${code}: ${message}`);
    const faults = problems.length === 1 ? "a fault" : `${problems.length} faults`;
    super(`workflow "${workflow}" has ${faults}:\n${lines.join("\n")}`);
    this.workflow = workflow;
    this.problems = problems;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is WorkflowBuildError {
    return has(value, buildBrand);
  }
}

/** What a {@link WorkflowError} says beside its code and message. */
export interface WorkflowErrorOptions {
  readonly node?: string | undefined;
  readonly cause?: unknown;
}

/** A fault of a run, or of one node in it. */
export class WorkflowError extends Error {
  override readonly name: string = "WorkflowError";
  readonly code: WorkflowErrorCode;
  /** The node concerned, with the way to it. */
  readonly node: string | undefined;

  static {
    Object.defineProperty(WorkflowError.prototype, brand, { value: true });
  }

  constructor(code: WorkflowErrorCode, message: string, options: WorkflowErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.node = options.node;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is WorkflowError {
    return has(value, brand);
  }
}

/** A run that did not complete. What it did is in `result`. */
export class WorkflowRunError extends WorkflowError {
  override readonly name: string = "WorkflowRunError";
  readonly result: WorkflowResult;

  static {
    Object.defineProperty(WorkflowRunError.prototype, runBrand, { value: true });
  }

  constructor(
    code: WorkflowErrorCode,
    message: string,
    result: WorkflowResult,
    options: WorkflowErrorOptions,
  ) {
    super(code, message, options);
    this.result = result;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static override isInstance(value: unknown): value is WorkflowRunError {
    return has(value, runBrand);
  }
}
