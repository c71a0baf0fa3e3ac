import {
  checkMembers,
  type JsonObject,
  type SchemaInput,
  type StandardSchemaV1,
} from "@backplane/protocol";
import type { NodeContext, NodePorts, PortValues, WorkflowNode } from "../workflow-node.ts";

/** What a function node's code receives: the schema's output, or any inputs without a typed schema. */
export type NodeInputs<Input> = Input extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Input>
  : // biome-ignore lint/suspicious/noExplicitAny: what is connected decides, and only a schema can say it.
    Record<string, any>;

/** The code of a function node. */
export type NodeFunction<Input = undefined> = (
  inputs: NodeInputs<Input>,
  context: NodeContext,
) => unknown;

/** What `new FunctionNode` takes. */
export interface FunctionNodeOptions<
  Input extends SchemaInput | undefined = SchemaInput | undefined,
> {
  /**
   * Does the work; what it returns is the output `result`, and must be data. It may be asynchronous. The inputs are
   * its own copy, to change as it likes.
   */
  readonly run: NodeFunction<Input>;
  /** The inputs as a schema of an object: checked before each run. Default: whatever is connected. */
  readonly input?: Input;
  /** What `result` looks like, for the checks of the graph and the clients of `workflowAsTool`. */
  readonly output?: SchemaInput;
  /** Whether running it twice does no harm. Default false. */
  readonly idempotent?: boolean;
  /** The name under which a node registry makes this node again. Default "FunctionNode". */
  readonly type?: string;
}

const MEMBERS: readonly string[] = [
  "run",
  "input",
  "output",
  "idempotent",
  "type",
] satisfies (keyof FunctionNodeOptions)[];

/** A step that is a function. Its one output is `result`. */
export class FunctionNode<const Input extends SchemaInput | undefined = undefined>
  implements WorkflowNode
{
  readonly type: string;
  readonly ports: NodePorts;
  readonly idempotent: boolean;
  readonly #run: NodeFunction<Input>;

  /** @throws {TypeError} that names the option. */
  constructor(options: FunctionNodeOptions<Input>) {
    checkMembers("FunctionNode", options, MEMBERS);
    const { run, input, output, idempotent = false, type = "FunctionNode" } = options;
    if (typeof run !== "function") {
      throw new TypeError('FunctionNode: option "run" must be a function of the inputs');
    }
    this.type = type;
    this.ports = { input, outputs: { result: { schema: output } } };
    this.idempotent = idempotent;
    this.#run = run;
  }

  async run(inputs: Record<string, unknown>, context: NodeContext): Promise<PortValues> {
    return { result: await this.#run(inputs as NodeInputs<Input>, context) };
  }

  toConfig(): JsonObject {
    return {};
  }
}
