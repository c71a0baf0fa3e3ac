import { checkMembers } from "@backplane/protocol";
import type {
  NodeFunction,
  NodeResult,
  PortValues,
  RunOptions,
  Workflow,
  WorkflowBuilder,
  WorkflowNode,
  WorkflowResult,
} from "@backplane/workflow";
import { type ExpectedOutput, mismatchOf } from "./expected-value.ts";

/** What can be tested: a workflow, what builds one, or a promise or function that gives either. */
export type WorkflowUnderTest =
  | Workflow
  | WorkflowBuilder
  | Promise<Workflow | WorkflowBuilder>
  | (() => Workflow | WorkflowBuilder | Promise<Workflow | WorkflowBuilder>);

/**
 * What stands in for a node: a function of its inputs whose value becomes the output `result`, a node, an error
 * that it throws, or the value itself.
 */
export type NodeMock =
  | NodeFunction
  | WorkflowNode
  | Error
  | object
  | string
  | number
  | boolean
  | null;

/** What `testWorkflow` takes. */
export interface WorkflowTestOptions {
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** By the name of the output. Outputs that are not named may be anything. */
  readonly expectedOutputs?: Readonly<Record<string, ExpectedOutput>>;
  /** Doubles by the id of the node that they stand in for. */
  readonly mocks?: Readonly<Record<string, NodeMock>>;
  /** Limits, signal, clock and so on of the run. */
  readonly run?: RunOptions;
}

/** An output that is not what was expected. */
export interface OutputMismatch {
  readonly output: string;
  readonly actual: unknown;
  readonly message: string;
}

/** What became of the run of a workflow under test. */
export interface WorkflowTestResult {
  /** Whether the run completed, and every expected output is as it should be. */
  readonly success: boolean;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly mismatches: readonly OutputMismatch[];
  /** By node id; empty when the run did not begin. */
  readonly nodes: Readonly<Record<string, NodeResult>>;
  /** By node id, the inputs of each call of a mock. */
  readonly mockCalls: Readonly<Record<string, readonly PortValues[]>>;
  /** Why it did not complete; undefined when it did. */
  readonly error: Error | undefined;
  /** Everything else that is known of the run; undefined when it did not begin. */
  readonly run: WorkflowResult | undefined;
}

/** What every test of a tester begins with; what `testWorkflow` is given comes before it. */
export type WorkflowTesterOptions = Pick<WorkflowTestOptions, "mocks" | "run">;

const OPTIONS = [
  "parameters",
  "expectedOutputs",
  "mocks",
  "run",
] as const satisfies readonly (keyof WorkflowTestOptions)[];

/** Runs workflows, against real servers or with doubles for some of their nodes, and judges what comes out. */
export class WorkflowTester {
  readonly #options: WorkflowTesterOptions;

  /** @throws {TypeError} for an unknown option. */
  constructor(options: WorkflowTesterOptions = {}) {
    checkMembers("WorkflowTester", options, ["mocks", "run"]);
    this.#options = options;
  }

  /**
   * Builds the workflow if need be, runs it once, and compares its outputs. A run that fails, or parameters that
   * do not fit, make a result without `success`.
   * @throws {WorkflowBuildError} for a workflow that cannot be built.
   * @throws {TypeError} for an illegal option, or a mock of a node that is not there.
   */
  async testWorkflow(
    workflow: WorkflowUnderTest,
    options: WorkflowTestOptions = {},
  ): Promise<WorkflowTestResult> {
    checkMembers("testWorkflow", options, OPTIONS);
    const { parameters = {}, expectedOutputs = {} } = options;
    const mocks = { ...this.#options.mocks, ...options.mocks };
    const mockCalls: Record<string, PortValues[]> = {};
    const stands = Object.entries(mocks).map(([id, mock]) => {
      const calls: PortValues[] = [];
      mockCalls[id] = calls;
      return [id, standIn(mock, calls)] as const;
    });
    const real = await builtOf(workflow);
    const tested = stands.length === 0 ? real : real.withNodes(Object.fromEntries(stands));
    let run: WorkflowResult;
    try {
      run = await tested.settle(parameters, { ...this.#options.run, ...options.run });
    } catch (error) {
      // Of a test's own making, unlike parameters that the workflow refuses.
      if (!isRefusal(error)) throw error;
      const nothing = { success: false, outputs: {}, mismatches: [], nodes: {}, run: undefined };
      return { ...nothing, mockCalls, error };
    }
    const { status, outputs, nodes } = run;
    const mismatches: OutputMismatch[] = [];
    for (const [output, expected] of Object.entries(expectedOutputs)) {
      const actual = outputs[output];
      const message = Object.hasOwn(outputs, output)
        ? await mismatchOf(actual, expected)
        : `there is no such output; there are: ${Object.keys(outputs).join(", ") || "none"}`;
      if (message !== undefined) mismatches.push({ output, actual, message });
    }
    const success = status === "completed" && mismatches.length === 0;
    return { success, outputs, mismatches, nodes, mockCalls, error: run.error, run };
  }
}

async function builtOf(given: WorkflowUnderTest): Promise<Workflow> {
  const workflow = await (typeof given === "function" ? given() : given);
  if ("build" in workflow) return workflow.build();
  if (typeof workflow.settle === "function") return workflow;
  throw new TypeError("testWorkflow: the first argument must be a Workflow or a WorkflowBuilder");
}

function standIn(mock: NodeMock, calls: PortValues[]): WorkflowNode | NodeFunction {
  if (isNode(mock)) {
    return {
      type: mock.type,
      ports: mock.ports,
      idempotent: mock.idempotent ?? false,
      run: (inputs, context) => {
        calls.push({ ...inputs });
        return mock.run(inputs, context);
      },
    };
  }
  return (inputs, context) => {
    calls.push({ ...inputs });
    if (mock instanceof Error) throw mock;
    return typeof mock === "function" ? (mock as NodeFunction)(inputs, context) : mock;
  };
}

function isNode(mock: NodeMock): mock is WorkflowNode {
  return (
    typeof mock === "object" &&
    mock !== null &&
    "ports" in mock &&
    typeof (mock as Partial<WorkflowNode>).run === "function"
  );
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === "invalid_parameters";
}
