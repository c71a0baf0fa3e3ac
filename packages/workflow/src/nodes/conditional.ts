import { checkMembers, type JsonObject, type SchemaInput } from "@backplane/protocol";
import { WorkflowError } from "../errors.ts";
import { listNames } from "../internal/records.ts";
import type { NodeContext, NodePorts, PortValues, WorkflowNode } from "../workflow-node.ts";
import type { NodeInputs } from "./function.ts";

/** What `new ConditionalNode` takes. */
export interface ConditionalNodeOptions<
  Input extends SchemaInput | undefined = SchemaInput | undefined,
> {
  /** Says which way to go: the name of a branch, or true or false. */
  readonly choose: (
    inputs: NodeInputs<Input>,
    context: NodeContext,
  ) => string | boolean | Promise<string | boolean>;
  /** The ways that there are. Default "true" and "false". */
  readonly branches?: readonly string[];
  /** The inputs as a schema of an object. Default: whatever is connected. */
  readonly input?: Input;
  /** The name under which a node registry makes this node again. Default "ConditionalNode". */
  readonly type?: string;
}

const SUBJECT = "ConditionalNode";
const MEMBERS: readonly string[] = [
  "choose",
  "branches",
  "input",
  "type",
] satisfies (keyof ConditionalNodeOptions)[];

/**
 * A step that goes one of several ways. Each branch is an output; the one that is taken holds the inputs, as in
 * `decide.hot.temperature`, and what is connected to the others is skipped.
 */
export class ConditionalNode<const Input extends SchemaInput | undefined = undefined>
  implements WorkflowNode
{
  readonly type: string;
  readonly ports: NodePorts;
  readonly idempotent: boolean = true;
  readonly #choose: ConditionalNodeOptions<Input>["choose"];
  readonly #branches: readonly string[];

  /** @throws {TypeError} that names the option. */
  constructor(options: ConditionalNodeOptions<Input>) {
    checkMembers(SUBJECT, options, MEMBERS);
    const { choose, branches = ["true", "false"], input, type = SUBJECT } = options;
    if (typeof choose !== "function") {
      throw new TypeError(`${SUBJECT}: option "choose" must be a function of the inputs`);
    }
    const isList = Array.isArray(branches) && branches.length > 0;
    if (!isList || branches.some((name) => typeof name !== "string" || !/^[^.]+$/.test(name))) {
      throw new TypeError(`${SUBJECT}: option "branches" must be names without a dot, 1 or more`);
    }
    this.type = type;
    const port = { schema: input, conditional: true };
    this.ports = { input, outputs: Object.fromEntries(branches.map((name) => [name, port])) };
    this.#choose = choose;
    this.#branches = branches;
  }

  async run(inputs: Record<string, unknown>, context: NodeContext): Promise<PortValues> {
    const chosen = String(await this.#choose(inputs as NodeInputs<Input>, context));
    if (this.#branches.includes(chosen)) return { [chosen]: { ...inputs } };
    throw new WorkflowError(
      "invalid_output",
      `node "${context.node}" chose "${chosen}", which is none of its branches: ${listNames(this.#branches)}`,
      { node: context.node },
    );
  }

  toConfig(): JsonObject {
    return { branches: this.#branches };
  }
}
