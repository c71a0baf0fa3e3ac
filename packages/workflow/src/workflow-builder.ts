import { checkMembers } from "@backplane/protocol";
import { buildPlan } from "./build-plan.ts";
import type {
  Connection,
  Draft,
  DraftConnection,
  DraftNode,
  WorkflowInput,
  WorkflowLimits,
} from "./draft.ts";
import { type Endpoint, isNodeId } from "./endpoint.ts";
import { type BuildProblem, type BuildProblemCode, WorkflowBuildError } from "./errors.ts";
import { messageOf } from "./internal/message-of.ts";
import { listNames } from "./internal/records.ts";
import { swappedNode } from "./internal/swapped.ts";
import { NODE_CONFIG_MEMBERS, type NodeConfig, resolveNodeConfig } from "./node-settings.ts";
import { type NodeFactory, type NodeTypes, resolveNodeTypes } from "./node-types.ts";
import { FunctionNode, type NodeFunction } from "./nodes/function.ts";
import type { WorkflowResult } from "./result.ts";
import { DEFAULT_LIMITS, type RunOptions, resolveLimits } from "./run-options.ts";
import { Workflow } from "./workflow.ts";
import type { WorkflowNode } from "./workflow-node.ts";

/** What `new WorkflowBuilder` takes. */
export interface WorkflowBuilderOptions extends Partial<WorkflowLimits> {
  /** Stands in errors, events and the diagram. Default "workflow". */
  readonly name?: string;
  readonly description?: string;
  /** Makes the nodes of `addNode(type, id, config)`, beside the built-in types. */
  readonly nodeTypes?: NodeTypes;
}

const SUBJECT = "WorkflowBuilder";
const OPTIONS: readonly string[] = [
  "name",
  "description",
  "nodeTypes",
  "concurrency",
  "nodeTimeoutMs",
  "timeoutMs",
  "graceMs",
] satisfies (keyof WorkflowBuilderOptions)[];
const CONNECTION: readonly string[] = ["from", "to", "optional"] satisfies (keyof Connection)[];
const INPUT: readonly string[] = [
  "to",
  "schema",
  "description",
  "default",
  "optional",
] satisfies (keyof WorkflowInput)[];

/**
 * Puts a workflow together. Nothing is refused on the way: `build` looks at the whole and names every fault at once.
 */
export class WorkflowBuilder {
  readonly #name: string;
  readonly #description: string | undefined;
  readonly #types: ReadonlyMap<string, NodeFactory>;
  readonly #limits: WorkflowLimits;
  readonly #nodes = new Map<string, DraftNode>();
  readonly #connections: DraftConnection[] = [];
  readonly #inputs = new Map<string, WorkflowInput>();
  readonly #outputs = new Map<string, Endpoint>();
  readonly #problems: BuildProblem[] = [];
  #built: Promise<Workflow> | undefined;

  /** @throws {TypeError} that names the option. */
  constructor(options: WorkflowBuilderOptions = {}) {
    checkMembers(SUBJECT, options, OPTIONS);
    const { name = "workflow", description, nodeTypes } = options;
    if (typeof name !== "string" || name === "") {
      throw new TypeError(`${SUBJECT}: option "name" must be a text of 1 character or more`);
    }
    this.#name = name;
    this.#description = description;
    this.#types = resolveNodeTypes(nodeTypes);
    this.#limits = resolveLimits(SUBJECT, options, DEFAULT_LIMITS);
  }

  /**
   * Adds a node.
   * @param id 1 to 64 letters, digits, "_" and "-".
   * @param node a node, or a function of the inputs, whose value becomes the output `result`.
   */
  addNode(id: string, node: WorkflowNode | NodeFunction, config?: NodeConfig): this;
  /**
   * Adds a node that the registry makes.
   * @param type a built-in type, such as `MCPToolNode`, or one of the option `nodeTypes`.
   * @param config what the type takes, together with {@link NodeConfig}.
   */
  addNode(type: string, id: string, config?: NodeConfig & Readonly<Record<string, unknown>>): this;
  addNode(first: unknown, second: unknown, config: object = {}): this {
    this.#built = undefined;
    const swapped = swappedNode(first, second, this.#types);
    if (swapped !== undefined) return this.#problem("swapped_arguments", swapped);
    const [id, node] =
      typeof second === "string" ? [second, this.#make(first, second, config)] : [first, second];
    if (typeof second !== "string") this.#checkConfig(String(id), config);
    if (!isNodeId(id)) {
      const rule = 'an id has 1 to 64 letters, digits, "_" and "-"';
      return this.#problem("invalid_id", `node ${JSON.stringify(id)}: ${rule}`);
    }
    if (this.#nodes.has(id)) {
      return this.#problem("duplicate_id", `node "${id}" was added already`, id);
    }
    const faults: string[] = [];
    const settings = resolveNodeConfig(config, faults);
    for (const fault of faults) this.#problem("invalid_config", `node "${id}": ${fault}`, id);
    const resolved = typeof node === "function" ? functionNode(node as NodeFunction) : node;
    if (!isNode(resolved)) {
      const remedy = "give a function, or an object with type, ports and run";
      this.#problem("node_unusable", `node "${id}": ${String(node)} is no node; ${remedy}`, id);
    }
    this.#nodes.set(id, { id, node: isNode(resolved) ? resolved : MISSING, settings });
    return this;
  }

  /** Leads an output into an input. One output may feed any number of inputs; an input has one connection. */
  connect(connection: Connection): this {
    this.#built = undefined;
    this.#checkMembers("connect", connection, CONNECTION);
    this.#connections.push({ ...connection });
    return this;
  }

  /**
   * {@link connect} in four arguments.
   * @param output an output of `from`, or a place inside of its value, such as `result.temperature`.
   * @param input an input of `to`.
   */
  addConnection(from: string, to: string, output: string, input: string): this {
    this.#built = undefined;
    this.#connections.push({
      from: `${from}.${output}`,
      to: `${to}.${input}`,
      ordered: [from, to, output, input],
    });
    return this;
  }

  /** Declares a parameter of the workflow, which `run` takes by its name. */
  input(name: string, input: WorkflowInput): this {
    this.#built = undefined;
    this.#checkMembers(`input "${name}"`, input, INPUT);
    if (this.#inputs.has(name))
      this.#problem("duplicate_id", `input "${name}" was declared already`);
    if (name === "" || name.includes(".")) {
      this.#problem(
        "invalid_id",
        `input "${name}": a parameter's name holds no dot and is not empty`,
      );
    }
    this.#inputs.set(name, { ...input });
    return this;
  }

  /** Declares an output of the workflow: an output of a node, or a place inside of its value. */
  output(name: string, from: Endpoint): this {
    this.#built = undefined;
    if (this.#outputs.has(name)) {
      this.#problem("duplicate_id", `output "${name}" was declared already`);
    }
    this.#outputs.set(name, from);
    return this;
  }

  /**
   * Checks everything, and asks what the nodes depend on, such as the tool lists of reachable servers. Builds once
   * until something is added.
   * @throws {WorkflowBuildError} with every fault that there is.
   */
  build(): Promise<Workflow> {
    if (this.#built === undefined) {
      const built = this.#build();
      this.#built = built;
      // What failed because of the world outside may go well next time.
      built.catch(() => {
        if (this.#built === built) this.#built = undefined;
      });
    }
    return this.#built;
  }

  /** Builds when needed, and runs as {@link Workflow.run} does. */
  async run(
    parameters: Readonly<Record<string, unknown>> = {},
    options: RunOptions = {},
  ): Promise<WorkflowResult> {
    return (await this.build()).run(parameters, options);
  }

  async #build(): Promise<Workflow> {
    const draft: Draft = {
      name: this.#name,
      description: this.#description,
      nodes: new Map(this.#nodes),
      connections: [...this.#connections],
      inputs: new Map(this.#inputs),
      outputs: new Map(this.#outputs),
      problems: [...this.#problems],
      limits: this.#limits,
    };
    const { plan, problems } = await buildPlan(draft);
    if (problems.length > 0) throw new WorkflowBuildError(this.#name, problems);
    return new Workflow(plan);
  }

  #make(type: unknown, id: string, config: object): unknown {
    const factory = this.#types.get(String(type));
    if (factory === undefined) {
      const known = listNames(this.#types.keys());
      this.#problem(
        "unknown_type",
        `node "${id}": there is no node type "${String(type)}"; known: ${known}`,
        id,
      );
      return MISSING;
    }
    const own = Object.entries(config).filter(([member]) => !NODE_CONFIG_MEMBERS.includes(member));
    try {
      return factory(Object.fromEntries(own), id);
    } catch (error) {
      const reason = messageOf(error);
      this.#problem("unknown_config", `node "${id}": ${reason}`, id);
      return MISSING;
    }
  }

  #checkConfig(id: string, config: object): void {
    this.#checkMembers(`node "${id}"`, config, NODE_CONFIG_MEMBERS, id);
  }

  #checkMembers(subject: string, given: object, known: readonly string[], node?: string): void {
    try {
      checkMembers(subject, given, known);
    } catch (error) {
      this.#problem("unknown_config", (error as TypeError).message, node);
    }
  }

  #problem(code: BuildProblemCode, message: string, node?: string): this {
    this.#problems.push({ code, message, node });
    return this;
  }
}

/** Stands for a node that could not be made, so that the rest of the graph can be checked all the same. */
const MISSING: WorkflowNode = {
  type: "missing",
  ports: { outputs: {} },
  run: () => {
    throw new Error("a workflow with faults does not run");
  },
};

function functionNode(run: NodeFunction): WorkflowNode {
  return new FunctionNode({ run });
}

function isNode(value: unknown): value is WorkflowNode {
  if (typeof value !== "object" || value === null) return false;
  const { type, ports, run } = value as Partial<WorkflowNode>;
  return typeof type === "string" && typeof ports === "object" && typeof run === "function";
}
