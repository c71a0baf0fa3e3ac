import {
  type CacheHint,
  type CacheScope,
  type CallToolResult,
  type CompiledSchema,
  type ContentBlock,
  checkMembers,
  compileSchema,
  type HeaderParameter,
  headerParameters,
  type Icon,
  type InputContext,
  isJsonObject,
  type JsonSchema,
  type SchemaInput,
  type StandardSchemaV1,
  type Tool,
  type ToolAnnotations,
} from "@backplane/protocol";
import { checkCacheHint } from "./cache-hint.ts";
import type { RegisteredPrimitive } from "./primitive-table.ts";
import { PROTECTION_MEMBERS, type ProtectionOptions, protectionOf } from "./protection.ts";

/** Everything about a tool but its name and its code. */
export interface ToolOptions<
  Input extends SchemaInput | undefined = SchemaInput | undefined,
  Output extends SchemaInput | undefined = SchemaInput | undefined,
> extends ProtectionOptions {
  readonly title?: string;
  readonly description?: string;
  /** Any Standard Schema that converts to JSON Schema, or raw JSON Schema 2020-12, of an object. Default: no arguments. */
  readonly input?: Input;
  /** The same, of any value: the tool's result is checked against it and advertised by it. */
  readonly output?: Output;
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  readonly meta?: Record<string, unknown>;
  /**
   * Lets `caching` (`@backplane/cache`) answer from what it kept, for so long: by default for the caller whose
   * result it is, with `cacheScope: "public"` for everybody. Only for a tool whose annotations say
   * `readOnlyHint` or `idempotentHint`, and whose result depends on nothing but its arguments and its caller.
   * Default: every call runs.
   */
  readonly cacheHint?: { readonly ttlMs: number; readonly cacheScope?: CacheScope };
  /** Overrides the server's `deadlines` for this tool. */
  readonly deadlines?: { readonly idleMs?: number; readonly totalMs?: number };
}

/** The arguments that a handler receives: the schema's output, or any object without a typed schema. */
export type ToolArguments<Input> = Input extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Input>
  : Record<string, unknown>;

/**
 * What a handler may return: a plain value (becomes `structuredContent` and its JSON as text), a string
 * (becomes text), content blocks, or a full result.
 */
export type ToolReturn<Output> =
  | (Output extends StandardSchemaV1 ? StandardSchemaV1.InferInput<Output> : unknown)
  | readonly ContentBlock[]
  | CallToolResult;

/**
 * The code of a tool. A thrown `ToolExecutionError` is a result that the model reads, an `MCPError` a
 * JSON-RPC error; of anything else the client sees a correlation id only.
 */
export type ToolHandler<Input, Output> = (
  args: ToolArguments<Input>,
  context: InputContext,
) => ToolReturn<Output> | Promise<ToolReturn<Output>>;

/**
 * A tool as a class, for tools with state of their own. Registered with `server.addTool(new MyTool())`.
 */
export abstract class MCPTool<
  Input extends SchemaInput | undefined = SchemaInput | undefined,
  Output extends SchemaInput | undefined = SchemaInput | undefined,
> {
  /** 1 to 128 of `[A-Za-z0-9_.-]`. */
  abstract readonly name: string;
  abstract readonly options: ToolOptions<Input, Output>;
  abstract execute(
    args: ToolArguments<Input>,
    context: InputContext,
  ): ToolReturn<Output> | Promise<ToolReturn<Output>>;
}

/** A tool as a value, as configuration makes it: what `server.addTool` takes beside a `MCPTool`. */
export interface ToolDefinition<
  Input extends SchemaInput | undefined = SchemaInput | undefined,
  Output extends SchemaInput | undefined = SchemaInput | undefined,
> extends ToolOptions<Input, Output> {
  readonly name: string;
  readonly handler: ToolHandler<Input, Output>;
}

/** A tool compiled: nothing of it is computed again per call. */
export interface RegisteredTool extends RegisteredPrimitive {
  readonly definition: Tool;
  readonly input: CompiledSchema | undefined;
  readonly output: CompiledSchema | undefined;
  /** Whether the declared output is an object; undefined without one. */
  readonly objectOutput: boolean | undefined;
  readonly headerParameters: readonly HeaderParameter[];
  readonly handler: (args: unknown, context: InputContext) => unknown;
  readonly cacheHint: CacheHint | undefined;
  readonly idleMs: number | undefined;
  readonly totalMs: number | undefined;
}

const MEMBERS: readonly string[] = [
  ...([
    "title",
    "description",
    "input",
    "output",
    "annotations",
    "icons",
    "meta",
    "cacheHint",
    "deadlines",
  ] satisfies (keyof ToolOptions)[]),
  ...PROTECTION_MEMBERS,
];
const NO_ARGUMENTS: JsonSchema = Object.freeze({ type: "object", properties: {} });
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
const NO_HEADERS: readonly HeaderParameter[] = Object.freeze([]);

/**
 * Compiles a tool at registration.
 * @throws {TypeError} for a name outside the allowed form or an option that is unknown or illegal.
 * @throws {SchemaError} for a schema that cannot be converted; names tool and path.
 */
export function registerTool(
  name: string,
  options: ToolOptions,
  handler: (args: never, context: InputContext) => unknown,
): RegisteredTool {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(
      `tool "${String(name).slice(0, 140)}": the name must be 1 to 128 of letters, digits, "_", "." and "-"`,
    );
  }
  if (typeof handler !== "function") throw new TypeError(`tool "${name}": no handler function`);
  checkMembers(`tool "${name}"`, options, MEMBERS);
  // `null` must reach the compiler, which refuses it by name: it is not "no schema".
  const input = options.input === undefined ? undefined : compileSide(options.input, name, "input");
  const output =
    options.output === undefined ? undefined : compileSide(options.output, name, "output");
  checkDeadlines(name, options.deadlines);
  const cacheHint = readCacheHint(name, options);
  const definition: Tool = {
    name,
    ...(options.title !== undefined && { title: options.title }),
    ...(options.description !== undefined && { description: options.description }),
    inputSchema: input?.jsonSchema ?? NO_ARGUMENTS,
    ...(output !== undefined && { outputSchema: output.jsonSchema }),
    ...(options.annotations !== undefined && { annotations: options.annotations }),
    ...(options.icons !== undefined && { icons: options.icons }),
    ...(options.meta !== undefined && { _meta: options.meta }),
  };
  return {
    key: name,
    enabled: true,
    protection: protectionOf("tool", name, options),
    definition,
    input,
    output,
    objectOutput: output && output.jsonSchema.type === "object",
    headerParameters:
      input === undefined ? NO_HEADERS : headerParameters(input.jsonSchema, `tool "${name}" input`),
    handler: handler as RegisteredTool["handler"],
    cacheHint,
    idleMs: options.deadlines?.idleMs,
    totalMs: options.deadlines?.totalMs,
  };
}

function compileSide(schema: SchemaInput, name: string, side: "input" | "output"): CompiledSchema {
  return compileSchema(schema, {
    side,
    subject: `tool "${name}" ${side}`,
    requireObjectRoot: side === "input",
  });
}

/** A call that changes something must run each time that it is made (LESSONS 26). */
function readCacheHint(
  name: string,
  { cacheHint, annotations }: ToolOptions,
): CacheHint | undefined {
  if (cacheHint === undefined) return undefined;
  checkCacheHint(`tool "${name}": cacheHint`, cacheHint);
  const { ttlMs, cacheScope = "private" } = cacheHint;
  if (!(ttlMs >= 1)) throw new TypeError(`tool "${name}": cacheHint.ttlMs must be 1 or more`);
  if (annotations?.readOnlyHint !== true && annotations?.idempotentHint !== true) {
    throw new TypeError(
      `tool "${name}": cacheHint is for a tool whose annotations say readOnlyHint: true or idempotentHint: true`,
    );
  }
  return { ttlMs, cacheScope };
}

function checkDeadlines(name: string, deadlines: ToolOptions["deadlines"]): void {
  if (deadlines !== undefined) {
    checkMembers(`tool "${name}": deadlines`, deadlines, ["idleMs", "totalMs"]);
  }
  for (const [member, value] of Object.entries(deadlines ?? {})) {
    if (!(value > 0)) {
      throw new TypeError(`tool "${name}": deadlines.${member} must be over 0 ms, not ${value}`);
    }
  }
}

const CONTENT_TYPES: ReadonlySet<unknown> = new Set([
  "text",
  "image",
  "audio",
  "resource",
  "resource_link",
]);
const RESULT_MEMBERS: ReadonlySet<string> = new Set([
  "content",
  "structuredContent",
  "isError",
  "_meta",
]);

export function isContentBlock(value: unknown): value is ContentBlock {
  return isJsonObject(value) && CONTENT_TYPES.has(value.type);
}

/** Whether a handler returned a whole result rather than a value that happens to have `content`. */
function isFullResult(value: Record<string, unknown>): boolean {
  if (!Array.isArray(value.content) || !value.content.every(isContentBlock)) return false;
  for (const member of Object.keys(value)) if (!RESULT_MEMBERS.has(member)) return false;
  return true;
}

/**
 * Gives what a handler returned the form of a result.
 * @throws {TypeError} for a value that JSON cannot carry.
 */
export function toToolResult(tool: RegisteredTool, value: unknown): CallToolResult {
  if (typeof value === "string" && tool.output === undefined) {
    return { content: [{ type: "text", text: value }] };
  }
  if (value === undefined && tool.output === undefined) return { content: [] };
  if (isJsonObject(value)) {
    if (isFullResult(value)) return value as unknown as CallToolResult;
    if (tool.output === undefined && isContentBlock(value)) return { content: [value] };
  } else if (
    tool.output === undefined &&
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(isContentBlock)
  ) {
    return { content: value };
  }
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`tool "${tool.key}" returned a ${typeof value}, which JSON cannot carry`);
  }
  return { content: [{ type: "text", text }], structuredContent: value };
}
