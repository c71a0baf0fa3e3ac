import { checkMembers, type JsonObject, MCPError, wholeNumber } from "@backplane/protocol";
import { buildPlan } from "../build-plan.ts";
import { WorkflowBuildError, WorkflowError } from "../errors.ts";
import { messageOf } from "../internal/message-of.ts";
import { planOf } from "../internal/plans.ts";
import { type NodeConfig, resolveNodeConfig } from "../node-settings.ts";
import { DEFAULT_LIMITS } from "../run-options.ts";
import { isWaiting } from "../run-scope.ts";
import { Workflow } from "../workflow.ts";
import type {
  NodeContext,
  NodeInspection,
  NodePorts,
  PortValues,
  WorkflowNode,
} from "../workflow-node.ts";
import { FunctionNode, type NodeFunction } from "./function.ts";
import { SubWorkflowNode } from "./sub-workflow.ts";

/** What `new MapNode` takes. */
export interface MapNodeOptions {
  /**
   * What is done with each item: a function, a node, or a built workflow. It has the inputs `item` and `index`, and
   * those of the map; of a node or workflow that declares its inputs, the ones that it declares.
   */
  readonly each: NodeFunction | WorkflowNode | Workflow;
  /** The input that holds the list. Default "items". */
  readonly over?: string;
  /** The name under which each item is given on. Default "item". */
  readonly as?: string;
  /** Items that are worked on at once. Default 8. */
  readonly concurrency?: number;
  /** Longest list. Default 10,000. */
  readonly maxItems?: number;
  /**
   * What the failure of an item means: the failure of the map, or that it is missing in `result` and stands in `failed`.
   * Default "fail".
   */
  readonly onItemError?: "fail" | "continue";
  /** Timeout, retries and fallback of each single item, when `each` is a function or a node. */
  readonly config?: Omit<NodeConfig, "after">;
}

const SUBJECT = "MapNode";
const MEMBERS: readonly string[] = [
  "each",
  "over",
  "as",
  "concurrency",
  "maxItems",
  "onItemError",
  "config",
] satisfies (keyof MapNodeOptions)[];

/** Errors that cause one another, at most: each workflow inside of another one adds one. */
const MAX_CAUSES = 64;

/** The id of the one node in the workflow of an item. */
const ITEM = "item";

interface Failed {
  readonly index: number;
  readonly message: string;
}

/**
 * A step that does the same with every item of a list, several at once. Its outputs: `result`, what the items gave, in
 * their order; `failed`, the `index` and `message` of those that failed. While a request is served, only messages of
 * errors that are meant for clients stand there (`ToolExecutionError`, `MCPError`); others are "failed unexpectedly".
 */
export class MapNode implements WorkflowNode {
  readonly type: string = SUBJECT;
  readonly ports: NodePorts;
  readonly composite: boolean = true;
  readonly #options: MapNodeOptions;
  readonly #over: string;
  readonly #as: string;
  readonly #concurrency: number;
  readonly #maxItems: number;
  #inner: Promise<Workflow> | undefined = undefined;

  /** @throws {TypeError} that names the option. */
  constructor(options: MapNodeOptions) {
    checkMembers(SUBJECT, options, MEMBERS);
    const { each, over = "items", as = "item", concurrency = 8, maxItems = 10_000 } = options;
    const { onItemError = "fail" } = options;
    const isWork = typeof each === "function" || (typeof each === "object" && each !== null);
    if (!isWork) {
      throw new TypeError(
        `${SUBJECT}: option "each" must be a function, a node or a built workflow`,
      );
    }
    for (const [option, name] of Object.entries({ over, as })) {
      if (typeof name !== "string" || !/^[^.]+$/.test(name)) {
        throw new TypeError(`${SUBJECT}: option "${option}" must be a name without a dot`);
      }
    }
    if (onItemError !== "fail" && onItemError !== "continue") {
      throw new TypeError(`${SUBJECT}: option "onItemError" must be "fail" or "continue"`);
    }
    this.#options = options;
    this.#over = over;
    this.#as = as;
    this.#concurrency = wholeNumber(SUBJECT, "concurrency", concurrency);
    this.#maxItems = wholeNumber(SUBJECT, "maxItems", maxItems);
    this.ports = {
      input: {
        type: "object",
        properties: { [over]: { type: "array" } },
        required: [over],
        additionalProperties: true,
      },
      checkInput: false,
      outputs: {
        result: { schema: { type: "array" } },
        failed: { schema: { type: "array", items: { type: "object" } } },
      },
    };
  }

  async inspect(): Promise<NodeInspection> {
    const { each } = this.#options;
    if (isWorkflow(each)) {
      const { idempotent = false } = await new SubWorkflowNode({ workflow: each }).inspect();
      return { idempotent };
    }
    // A server may have come or gone since the last look.
    const { plan, problems } = await this.#plan(each);
    this.#inner = undefined;
    const [unchecked] = plan.unchecked;
    return {
      idempotent: plan.nodes.every((node) => node.idempotent),
      problems: problems.map(({ message }) => `in "each": ${message}`),
      ...(unchecked && { unchecked: unchecked.reason }),
    };
  }

  async run(inputs: Record<string, unknown>, context: NodeContext): Promise<PortValues> {
    const { [this.#over]: items, ...rest } = inputs;
    if (!Array.isArray(items) || items.length > this.#maxItems) {
      const what = Array.isArray(items) ? `a list of ${items.length}` : `${typeof items}, no list`;
      throw new WorkflowError(
        "invalid_input",
        `"${context.node}.${this.#over}" is ${what}; a list of ${this.#maxItems} items at most is needed`,
        { node: context.node },
      );
    }
    this.#inner ??= this.#build();
    return this.#all(await this.#inner, items, rest, context);
  }

  toConfig(): JsonObject {
    const { over, as, concurrency, maxItems, onItemError, config } = this.#options;
    return {
      ...(config !== undefined && { config: config as JsonObject }),
      ...(over !== undefined && { over }),
      ...(as !== undefined && { as }),
      ...(concurrency !== undefined && { concurrency }),
      ...(maxItems !== undefined && { maxItems }),
      ...(onItemError !== undefined && { onItemError }),
    };
  }

  async #all(
    inner: Workflow,
    items: readonly unknown[],
    rest: Record<string, unknown>,
    context: NodeContext,
  ): Promise<PortValues> {
    const results: { index: number; value: unknown }[] = [];
    const failed: Failed[] = [];
    let fault: { readonly error: unknown } | undefined;
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < items.length && fault === undefined && !context.signal.aborted) {
        const index = next++;
        try {
          const inputs = { ...rest, [this.#as]: items[index], index };
          results.push({ index, value: await this.#one(inner, inputs, index, context) });
        } catch (error) {
          const isFailure = !isWaiting(error) && !context.signal.aborted;
          if (isFailure && this.#options.onItemError === "continue") {
            failed.push({ index, message: messageFor(context, error) });
          } else if (fault === undefined || isWaiting(error)) {
            fault = { error };
          }
        }
      }
    };
    const workers = Math.min(this.#concurrency, items.length);
    // What was begun is waited for, whatever failed beside it.
    await Promise.all(Array.from({ length: workers }, work));
    if (fault !== undefined) throw fault.error;
    context.signal.throwIfAborted();
    results.sort((a, b) => a.index - b.index);
    failed.sort((a, b) => a.index - b.index);
    return { result: results.map(({ value }) => value), failed };
  }

  async #one(
    inner: Workflow,
    inputs: Record<string, unknown>,
    index: number,
    context: NodeContext,
  ): Promise<unknown> {
    const plan = planOf(inner, SUBJECT);
    if (isWorkflow(this.#options.each)) {
      const known = Object.entries(inputs).filter(([name]) => plan.inputs.has(name));
      return (await context.run(inner, Object.fromEntries(known), index)).outputs;
    }
    const ports = plan.nodes[0]?.ports;
    const taken = Object.entries(inputs).filter(
      ([name]) => ports?.inputs === undefined || ports.open || ports.inputs.has(name),
    );
    const parameters = taken.map(([name, value]) => [`${ITEM}.${name}`, value]);
    const { outputs } = await context.run(inner, Object.fromEntries(parameters), index);
    const own = outputs[ITEM] as PortValues | undefined;
    // It failed, and its own config tolerates that.
    if (own === undefined) throw new WorkflowError("node_failed", `item ${index} gave nothing`);
    return Object.hasOwn(own, "result") ? own.result : own;
  }

  async #build(): Promise<Workflow> {
    const { each } = this.#options;
    if (isWorkflow(each)) return each;
    const { plan, problems } = await this.#plan(each);
    if (problems.length > 0) throw new WorkflowBuildError(SUBJECT, problems);
    return new Workflow(plan);
  }

  /** Each item is a run of a workflow of one node: so it has a timeout, retries, a memory and a trace of its own. */
  async #plan(each: NodeFunction | WorkflowNode): Promise<Awaited<ReturnType<typeof buildPlan>>> {
    const faults: string[] = [];
    const settings = resolveNodeConfig(this.#options.config ?? {}, faults);
    const node = typeof each === "function" ? new FunctionNode({ run: each }) : each;
    const built = await buildPlan({
      name: "each",
      description: undefined,
      nodes: new Map([[ITEM, { id: ITEM, node, settings }]]),
      connections: [],
      inputs: new Map(),
      outputs: new Map(),
      problems: faults.map((message) => ({
        code: "invalid_config",
        message: `config: ${message}`,
      })),
      limits: DEFAULT_LIMITS,
    });
    // What an item lacks is known only when the inputs of the map are.
    const problems = built.problems.filter(({ code }) => code !== "unbound_input");
    return { plan: built.plan, problems };
  }
}

/**
 * What is said of a failure. In a request it may reach the client with the outputs: then only what was meant for
 * clients is said, as with every tool.
 */
function messageFor({ request }: NodeContext, error: unknown): string {
  if (request === undefined) return messageOf(error);
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++, cause = cause.cause) {
    if (MCPError.isInstance(cause)) return cause.message;
  }
  return "failed unexpectedly";
}

function isWorkflow(each: MapNodeOptions["each"]): each is Workflow {
  return typeof each === "object" && "settle" in each;
}
