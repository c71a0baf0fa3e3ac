import { type MCPClient, toolError, toolOutput } from "@backplane/client";
import {
  type CallToolResult,
  checkMembers,
  type JsonObject,
  type Principal,
  type Tool,
  TRACE_KEYS,
} from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";
import { valueAt } from "../endpoint.ts";
import { WorkflowError } from "../errors.ts";
import { messageOf } from "../internal/message-of.ts";
import { emptyRecord, listNames } from "../internal/records.ts";
import type {
  NodeContext,
  NodeInspection,
  NodePorts,
  PortValues,
  WorkflowNode,
} from "../workflow-node.ts";
import { mappedSchema, parseMapping, type ToolMapping } from "./tool-mapping.ts";
import { clientOf, listTools } from "./tool-target.ts";

/** Who has the tool: a client or a pool of any server, or a server of this process. */
export type ToolTarget = Pick<MCPClient, "callTool" | "listTools"> | MCPServer;

/** What `new MCPToolNode` takes. */
export interface MCPToolNodeOptions {
  /** A client or pool, which is not closed by the node, or a server object, which is called in memory. */
  readonly target: ToolTarget;
  /** The tool's name. */
  readonly tool: string;
  /**
   * Arguments that have another name than the input they come from, or are a part of it: `{ city: "place.name" }`
   * makes the argument `city` of the member `name` of the input `place`. Other inputs are arguments of their own name.
   */
  readonly arguments?: Readonly<Record<string, string>>;
  /**
   * What an `isError` result is: `fail` makes it the failure of the node, with the code, data and `retryAfterMs` of the
   * tool; `output` leaves it to what follows, which reads the output `isError`. Default "fail".
   */
  readonly onToolError?: "fail" | "output";
  /** Who calls, for a server object with the option `auth`. */
  readonly principal?: Principal;
}

const SUBJECT = "MCPToolNode";
const MEMBERS: readonly string[] = [
  "target",
  "tool",
  "arguments",
  "onToolError",
  "principal",
] satisfies (keyof MCPToolNodeOptions)[];

const UNKNOWN_PORTS: NodePorts = {
  outputs: {
    result: {},
    content: { schema: { type: "array" } },
    isError: { schema: { type: "boolean" } },
    meta: { schema: { type: "object" } },
  },
};

/**
 * A step that calls an MCP tool. Its outputs: `result`, the structured content, else the text, else the content
 * blocks; `content`; `isError`; `meta`, the `_meta` of the result. When the server can be reached at build time, the
 * tool's schemas are those of the ports; else the workflow lists the node as `unchecked`.
 */
export class MCPToolNode implements WorkflowNode {
  readonly type: string = SUBJECT;
  readonly ports: NodePorts = UNKNOWN_PORTS;
  readonly #options: MCPToolNodeOptions;
  readonly #mapping: ToolMapping;

  /** @throws {TypeError} that names the option. */
  constructor(options: MCPToolNodeOptions) {
    checkMembers(SUBJECT, options, MEMBERS);
    const { target, tool, onToolError = "fail" } = options;
    if (!isTarget(target)) {
      throw new TypeError(
        `${SUBJECT}: option "target" must be an MCPClient, an MCPConnectionPool or an MCPServer`,
      );
    }
    if (typeof tool !== "string" || tool === "") {
      throw new TypeError(`${SUBJECT}: option "tool" must be the name of a tool`);
    }
    if (onToolError !== "fail" && onToolError !== "output") {
      throw new TypeError(`${SUBJECT}: option "onToolError" must be "fail" or "output"`);
    }
    this.#mapping = parseMapping(SUBJECT, options.arguments ?? {});
    this.#options = options;
  }

  async inspect(signal: AbortSignal): Promise<NodeInspection> {
    const { target, tool: name, principal } = this.#options;
    try {
      clientOf(target, principal);
    } catch (error) {
      // The server object will not have it: no matter of reach.
      return { problems: [messageOf(error)] };
    }
    const tools = await listTools(target, principal, signal);
    const tool = tools.find((each) => each.name === name);
    if (tool === undefined) {
      const known = listNames(tools.map((each) => each.name));
      return { problems: [`the server has no tool "${name}"; it has: ${known}`] };
    }
    return this.#describe(tool);
  }

  async run(inputs: Record<string, unknown>, context: NodeContext): Promise<PortValues> {
    const { target, tool, principal, onToolError } = this.#options;
    const client = clientOf(target, principal);
    const result = await client.callTool(tool, this.#arguments(inputs, context), {
      signal: context.signal,
      onProgress: (report) => context.progress(report),
      meta: traceOf(context),
    });
    if (result.isError === true && onToolError !== "output") throw toolError(tool, result);
    return outputsOf(result);
  }

  toConfig(): JsonObject {
    const { tool, arguments: mapping, onToolError } = this.#options;
    return {
      tool,
      ...(mapping !== undefined && { arguments: mapping }),
      ...(onToolError !== undefined && { onToolError }),
    };
  }

  #describe({ inputSchema, outputSchema, annotations = {} }: Tool): NodeInspection {
    const { schema, problems } = mappedSchema(inputSchema, this.#mapping, this.#options.tool);
    const mayFail = this.#options.onToolError === "output";
    return {
      ports: {
        input: schema,
        // The server checks them: once is enough.
        checkInput: false,
        outputs: {
          ...UNKNOWN_PORTS.outputs,
          // The text of a failure fits no schema of a success.
          result: { schema: mayFail ? undefined : (outputSchema ?? undefined) },
        },
      },
      idempotent: annotations.readOnlyHint === true || annotations.idempotentHint === true,
      problems,
    };
  }

  #arguments(inputs: Record<string, unknown>, { node }: NodeContext): JsonObject {
    const args = emptyRecord<unknown>();
    for (const [name, value] of Object.entries(inputs)) {
      if (!this.#mapping.roots.has(name)) args[name] = value;
    }
    for (const { argument, root, path, text } of this.#mapping.entries) {
      if (!Object.hasOwn(inputs, root)) continue;
      const found = valueAt(inputs[root], path, root);
      if (found.missing !== undefined) {
        const place = `node "${node}": argument "${argument}" ← ${text}`;
        throw new WorkflowError("missing_path", `${place}: ${found.missing}`, { node });
      }
      args[argument] = found.value;
    }
    return args as JsonObject;
  }
}

function isTarget(target: unknown): boolean {
  if (typeof target !== "object" || target === null) return false;
  const { callTool, listTools: list, connectInMemory } = target as Record<string, unknown>;
  const isClient = typeof callTool === "function" && typeof list === "function";
  return isClient || typeof connectInMemory === "function";
}

function outputsOf(result: CallToolResult): PortValues {
  return {
    result: toolOutput(result),
    content: result.content,
    isError: result.isError === true,
    meta: result._meta ?? {},
  };
}

/** The trace of the request that the run serves goes on into the tool. */
function traceOf({ request }: NodeContext): Record<string, unknown> {
  const meta: Record<string, unknown> = {};
  if (request === undefined) return meta;
  for (const key of TRACE_KEYS) {
    if (typeof request.meta[key] === "string") meta[key] = request.meta[key];
  }
  return meta;
}
