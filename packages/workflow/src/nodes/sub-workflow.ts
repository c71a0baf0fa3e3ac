import { checkMembers, type JsonObject, type JsonSchema } from "@backplane/protocol";
import { WorkflowBuildError } from "../errors.ts";
import { planOf } from "../internal/plans.ts";
import { selfContained } from "../internal/self-contained.ts";
import type { Plan } from "../plan.ts";
import type { Workflow } from "../workflow.ts";
import type { WorkflowBuilder } from "../workflow-builder.ts";
import type {
  NodeContext,
  NodeInspection,
  NodePorts,
  OutputPort,
  PortValues,
  WorkflowNode,
} from "../workflow-node.ts";

/** What `new SubWorkflowNode` takes. */
export interface SubWorkflowNodeOptions {
  /** A built workflow, or a builder, which is built with the outer one: its faults are reported together. */
  readonly workflow: Workflow | WorkflowBuilder;
}

const SUBJECT = "SubWorkflowNode";
const UNKNOWN: NodePorts = { outputs: {} };

/**
 * A step that is a workflow. Its inputs are the workflow's parameters, its outputs the declared ones, or `result` with
 * all of them where none is declared. What fails inside is this node's failure.
 */
export class SubWorkflowNode implements WorkflowNode {
  readonly type: string = SUBJECT;
  readonly ports: NodePorts;
  readonly composite: boolean = true;
  readonly #workflow: Workflow | WorkflowBuilder;
  #built: Workflow | undefined = undefined;

  /** @throws {TypeError} that names the option. */
  constructor(options: SubWorkflowNodeOptions) {
    checkMembers(SUBJECT, options, ["workflow"]);
    const { workflow } = options;
    this.#workflow = workflow;
    this.ports = isBuilder(workflow) ? UNKNOWN : portsOf(planOf(workflow, SUBJECT));
  }

  /** The workflow inside, built when needed. */
  async workflow(): Promise<Workflow> {
    this.#built = isBuilder(this.#workflow) ? await this.#workflow.build() : this.#workflow;
    return this.#built;
  }

  toConfig(): JsonObject {
    // Whoever asks has built the outer workflow, and this one with it.
    return this.#built === undefined
      ? {}
      : { workflow: this.#built.toJSON() as unknown as JsonObject };
  }

  async inspect(): Promise<NodeInspection> {
    let workflow: Workflow;
    try {
      workflow = await this.workflow();
    } catch (error) {
      if (!WorkflowBuildError.isInstance(error)) throw error;
      const { problems } = error;
      return { problems: problems.map(({ message }) => `in "${error.workflow}": ${message}`) };
    }
    const plan = planOf(workflow, SUBJECT);
    const [unchecked] = workflow.unchecked;
    return {
      ports: portsOf(plan),
      idempotent: plan.nodes.every(({ idempotent }) => idempotent),
      ...(unchecked && { unchecked: `in "${plan.name}": ${unchecked.node}: ${unchecked.reason}` }),
    };
  }

  async run(inputs: Record<string, unknown>, context: NodeContext): Promise<PortValues> {
    const workflow = await this.workflow();
    const { outputs } = await context.run(workflow, inputs);
    return workflow.outputs.length === 0 ? { result: outputs } : outputs;
  }
}

function isBuilder(workflow: Workflow | WorkflowBuilder): workflow is WorkflowBuilder {
  return "build" in workflow && typeof workflow.build === "function";
}

function portsOf(plan: Plan): NodePorts {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const { name, schema, required: isRequired } of plan.inputs.values()) {
    properties[name] = selfContained(schema);
    if (isRequired) required.push(name);
  }
  // A way that was not taken inside leaves an output out.
  const outputs = plan.outputs.map(({ name, schema }): [string, OutputPort] => [
    name,
    { schema: selfContained(schema), conditional: true },
  ]);
  return {
    input: { type: "object", properties, required },
    // The workflow checks its own parameters.
    checkInput: false,
    outputs: outputs.length === 0 ? { result: {} } : Object.fromEntries(outputs),
  };
}
