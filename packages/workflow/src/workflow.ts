import type { InputContext } from "@backplane/protocol";
import { rememberPlan } from "./internal/plans.ts";
import { listNames } from "./internal/records.ts";
import { shortPath } from "./internal/short-path.ts";
import { JournalMemory } from "./journal-memory.ts";
import { runMemory } from "./memory.ts";
import { toMermaid } from "./mermaid.ts";
import type { NodeFunction } from "./nodes/function.ts";
import { resolveParameters } from "./parameters.ts";
import type { Plan, PlanNode, PlanOutput, WorkflowParameter } from "./plan.ts";
import { requestMemory } from "./request-memory.ts";
import type { WorkflowResult } from "./result.ts";
import { WorkflowRun } from "./run.ts";
import { runError } from "./run-inside.ts";
import { checkRunOptions, type RunOptions, resolveLimits, runClock } from "./run-options.ts";
import { outermostScope } from "./run-scope.ts";
import { toWorkflowJSON, type WorkflowJSON } from "./workflow-json.ts";
import type { PortValues, WorkflowNode } from "./workflow-node.ts";

/**
 * A workflow that was checked. It holds no state of its runs: any number may run at once, each with its own
 * parameters.
 */
export class Workflow {
  readonly name: string;
  readonly description: string | undefined;
  readonly #plan: Plan;

  /** Made by `WorkflowBuilder.build`. */
  constructor(plan: Plan) {
    this.name = plan.name;
    this.description = plan.description;
    this.#plan = plan;
    rememberPlan(this, plan);
  }

  /** The ids of the nodes with the types of what they are, in the order in which they were added. */
  get nodes(): readonly { readonly id: string; readonly type: string }[] {
    return this.#plan.nodes.map(({ id, node }) => ({ id, type: node.type }));
  }

  /** The declared parameters. */
  get inputs(): readonly WorkflowParameter[] {
    return [...this.#plan.inputs.values()].map(
      ({ validate: _validate, ...described }) => described,
    );
  }

  /** The declared outputs. */
  get outputs(): readonly Pick<PlanOutput, "name" | "schema">[] {
    return this.#plan.outputs;
  }

  /** Nodes that could not be checked when the workflow was built, such as tools of a server that was away. */
  get unchecked(): readonly { readonly node: string; readonly reason: string }[] {
    return this.#plan.unchecked;
  }

  /**
   * Runs the workflow to its end.
   * @param parameters by the names that `input` declared; `node.input` gives an input of one node. What they bind
   * comes before a connection, and a connection before the node's config.
   * @throws {WorkflowRunError} when it did not complete; its `result` holds what was done.
   * @throws {WorkflowError} `invalid_parameters`. @throws {TypeError} for an option.
   */
  async run(
    parameters: Readonly<Record<string, unknown>> = {},
    options: RunOptions = {},
  ): Promise<WorkflowResult> {
    const result = await this.settle(parameters, options);
    if (result.status === "completed" || result.status === "partial") return result;
    throw runError(result);
  }

  /**
   * As {@link run}, for those who look at the `status` themselves: a run that failed or was cancelled is a result
   * here.
   * @throws {WorkflowError} `invalid_parameters`. @throws {TypeError} for an option.
   */
  async settle(
    parameters: Readonly<Record<string, unknown>> = {},
    options: RunOptions = {},
  ): Promise<WorkflowResult> {
    checkRunOptions(options);
    const limits = resolveLimits("workflow.run", options, this.#plan.limits);
    const resolved = await resolveParameters(this.#plan, parameters);
    const { clock = runClock, signal, onEvent, request, journal } = options;
    const { runId, begun } =
      options.runId === undefined
        ? await newRunId(journal === undefined ? undefined : request, this.name)
        : { runId: options.runId, begun: false };
    const label = options.runId ?? this.name;
    const journaled =
      journal &&
      (await JournalMemory.open({
        ...{ journal, runId, begun, plan: this.#plan, parameters, clock },
        repeatInterrupted: options.repeatInterrupted ?? false,
      }));
    const memory =
      journaled ?? (request === undefined ? runMemory() : requestMemory(request, label));
    const scope = outermostScope({ runId, label, clock, signal, onEvent, request, memory });
    const result = await new WorkflowRun(this.#plan, resolved, scope, limits).execute();
    await journaled?.end(result);
    return result;
  }

  /**
   * The graph as JSON, for `workflowFromJSON`: everything but the code of its nodes, which a node registry brings.
   * @throws {TypeError} for a value or a fallback that JSON cannot hold; it names the node.
   */
  toJSON(): WorkflowJSON {
    return toWorkflowJSON(this.#plan);
  }

  /** The graph as the text of a Mermaid flow chart. */
  toMermaid(): string {
    return toMermaid(this.#plan);
  }

  /**
   * The same workflow with other nodes in the place of some: doubles for a test. They keep the ports, the
   * connections and the settings of those that they replace.
   * @throws {TypeError} for an id that the workflow does not have.
   */
  withNodes(replacements: Readonly<Record<string, WorkflowNode | NodeFunction>>): Workflow {
    const nodes = [...this.#plan.nodes];
    for (const [id, replacement] of Object.entries(replacements)) {
      const planned = this.#plan.byId.get(id);
      if (planned === undefined) {
        const known = listNames(this.#plan.byId.keys());
        throw new TypeError(
          `withNodes: there is no node "${id}" in "${this.name}"; nodes: ${known}`,
        );
      }
      const node = typeof replacement === "function" ? standIn(replacement, planned) : replacement;
      nodes[planned.index] = { ...planned, node };
    }
    const byId = new Map(nodes.map((node): [string, PlanNode] => [node.id, node]));
    return new Workflow({ ...this.#plan, nodes, byId });
  }
}

/** The same in all rounds of a request, so that the journal knows the run again; and whether it was made before. */
async function newRunId(
  request: InputContext | undefined,
  workflow: string,
): Promise<{ readonly runId: string; readonly begun: boolean }> {
  let begun = true;
  const make = (): string => {
    begun = false;
    return globalThis.crypto.randomUUID();
  };
  const runId =
    request === undefined ? make() : await request.once(shortPath(`${workflow}:run`), make);
  return { runId, begun };
}

/** What a function returns is `result`, where there is one; else it gives the outputs by port. */
function standIn(run: NodeFunction, { node, ports }: PlanNode): WorkflowNode {
  const names = [...ports.outputs.keys()];
  return {
    type: node.type,
    ports: node.ports,
    run: async (inputs, context) => {
      const value = await run(inputs, context);
      if (!names.includes("result")) return value as PortValues;
      const rest = Object.fromEntries(names.map((name) => [name, undefined]));
      return { ...rest, result: value };
    },
  };
}
