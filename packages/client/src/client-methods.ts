import {
  type CallToolResult,
  type CompiledSchema,
  type CompleteResult,
  type CompletionReference,
  compileSchema,
  type GetPromptResult,
  isStandardSchema,
  type JsonObject,
  type JsonSchema,
  MCPError,
  type Prompt,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplate,
  type StandardSchemaV1,
  standardValidator,
  type Tool,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import { untilAborted } from "./internal/until-aborted.ts";
import { allPages, type ListLimits, type Page } from "./pagination.ts";
import type { RequestOptions } from "./request-options.ts";
import type { MethodCall } from "./request-plan.ts";
import type { ToolBook } from "./tool-book.ts";
import { toolError, toolOutput } from "./tool-result.ts";

/** What `call` may be told beside the options of every request. */
export interface CallOptions<Output extends StandardSchemaV1 | JsonSchema> extends RequestOptions {
  /**
   * What the tool's value must fit: a Standard Schema, whose parsed output is returned and whose type the
   * promise has, or raw JSON Schema. Make it once, outside of the call: it is compiled once for each object.
   */
  readonly output?: Output;
}

/** The type of the value that `call` gives. */
export type CallValue<Output> = Output extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Output>
  : unknown;

const NO_OPTIONS: RequestOptions = Object.freeze({});
const NO_ARGUMENTS: JsonObject = Object.freeze({});
const NO_HEADERS: readonly string[] = [];

/** Of the schemas that callers gave, each compiled once. */
const validators = new WeakMap<object, CompiledSchema["validate"]>();

/** Everything that can be asked of an MCP server; the same for one client and for a pool. */
export abstract class ClientMethods {
  #learning: Promise<void> | undefined = undefined;
  #relearning: Promise<unknown> | undefined = undefined;
  /** What is known of the server's tools. */
  protected abstract readonly toolBook: ToolBook;
  protected abstract readonly listLimits: ListLimits;

  /** Sends one request and resolves with its checked result. */
  protected abstract send(call: MethodCall): Promise<JsonObject>;

  /** What is known or kept of the server's tools is wrong. */
  protected abstract toolsChanged(): void;

  /** Whether arguments travel in headers: the modern era over HTTP. */
  protected abstract readonly mirrorsArguments: boolean;

  /**
   * All tools of the server, page by page. Tools whose `x-mcp-header` annotations break the rules are left out
   * where headers count (spec: transports/streamable-http).
   * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
   */
  listTools(options: RequestOptions = NO_OPTIONS): Promise<Tool[]> {
    return this.#listTools(options, false);
  }

  async #listTools(options: RequestOptions, inside: boolean): Promise<Tool[]> {
    const since = this.toolBook.mark();
    const tools = await allPages("tools/list", this.listLimits, options, (cursor, left) =>
      this.#page<Tool>("tools/list", "tools", cursor, left, inside),
    );
    const usable = this.toolBook.learn(tools, since, this.mirrorsArguments);
    this.toolBook.completed(since);
    return usable;
  }

  /** One page of the tools; `cursor` is that of the page before. */
  async listToolsPage(
    cursor?: string,
    options: RequestOptions = NO_OPTIONS,
  ): Promise<{ readonly tools: Tool[]; readonly nextCursor: string | undefined }> {
    const since = this.toolBook.mark();
    const page = await this.#page<Tool>("tools/list", "tools", cursor, options);
    return {
      tools: this.toolBook.learn(page.items, since, this.mirrorsArguments),
      nextCursor: page.nextCursor,
    };
  }

  /**
   * Calls a tool and gives the protocol's result; `isError` is a result here. Structured content is checked
   * against the schema that the tool advertises. Repeated after a failure only as `idempotent` allows.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
   */
  callTool(
    name: string,
    args: JsonObject = NO_ARGUMENTS,
    options: RequestOptions = NO_OPTIONS,
  ): Promise<CallToolResult> {
    // Not async: each call that waits would keep a frame and a promise more.
    try {
      const book = this.toolBook;
      return this.send({
        method: "tools/call",
        params: { name, arguments: args },
        options,
        headers: book.headersFor(name, args),
        idempotent: options.idempotent ?? book.isRepeatable(name),
        correctHeaders: this.#correctHeaders,
        finish: this.#checkOutput,
      }) as Promise<unknown> as Promise<CallToolResult>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Calls a tool and gives its value: the structured content, else the text of its content blocks (one text
   * block as a string), else the blocks themselves.
   * @throws {ToolExecutionError} for an `isError` result, with the `code`, `retryAfterMs` and `data` that the
   * tool gave. @throws {MCPError} what the server answered. @throws {MCPClientError} everything else;
   * `invalid_output` when the value does not fit `options.output`.
   */
  async call<const Output extends StandardSchemaV1 | JsonSchema = JsonSchema>(
    name: string,
    args: JsonObject = NO_ARGUMENTS,
    options: CallOptions<Output> = NO_OPTIONS,
  ): Promise<CallValue<Output>> {
    const result = await this.callTool(name, args, options);
    if (result.isError === true) throw toolError(name, result);
    const value = toolOutput(result);
    return (
      options.output === undefined ? value : await checkedValue(name, value, options.output)
    ) as CallValue<Output>;
  }

  /** All prompts of the server. Throws as `listTools` does. */
  listPrompts(options: RequestOptions = NO_OPTIONS): Promise<Prompt[]> {
    return this.#all<Prompt>("prompts/list", "prompts", options);
  }

  /** A prompt with its arguments filled in; their values are strings (spec: server/prompts). */
  async getPrompt(
    name: string,
    args: Readonly<Record<string, string>> = {},
    options: RequestOptions = NO_OPTIONS,
  ): Promise<GetPromptResult> {
    const params = { name, arguments: args as JsonObject };
    return (await this.#read("prompts/get", params, options)) as unknown as GetPromptResult;
  }

  /** All resources of the server, templates apart. */
  listResources(options: RequestOptions = NO_OPTIONS): Promise<Resource[]> {
    return this.#all<Resource>("resources/list", "resources", options);
  }

  /** All resource templates of the server. */
  listResourceTemplates(options: RequestOptions = NO_OPTIONS): Promise<ResourceTemplate[]> {
    return this.#all<ResourceTemplate>("resources/templates/list", "resourceTemplates", options);
  }

  /** Reads a resource. An unknown one is an `MCPError` −32602, from older servers −32002. */
  async readResource(
    uri: string,
    options: RequestOptions = NO_OPTIONS,
  ): Promise<ReadResourceResult> {
    return (await this.#read("resources/read", { uri }, options)) as unknown as ReadResourceResult;
  }

  /**
   * Suggestions for an argument of a prompt or of a resource template.
   * @param context the arguments that are known already.
   */
  async complete(
    ref: CompletionReference,
    argument: { readonly name: string; readonly value: string },
    context?: { readonly arguments: Readonly<Record<string, string>> },
    options: RequestOptions = NO_OPTIONS,
  ): Promise<CompleteResult["completion"]> {
    const params = { ref, argument, ...(context !== undefined && { context }) };
    const result = await this.#read("completion/complete", params as JsonObject, options);
    return (result as unknown as CompleteResult).completion;
  }

  #read(
    method: string,
    params: JsonObject,
    options: RequestOptions,
    inside = false,
  ): Promise<JsonObject> {
    return this.send({
      method,
      params,
      options,
      headers: NO_HEADERS,
      idempotent: options.idempotent ?? true,
      inside,
    });
  }

  #all<Item>(method: string, member: string, options: RequestOptions): Promise<Item[]> {
    return allPages(method, this.listLimits, options, (cursor, left) =>
      this.#page<Item>(method, member, cursor, left),
    );
  }

  async #page<Item>(
    method: string,
    member: string,
    cursor: string | undefined,
    options: RequestOptions,
    inside = false,
  ): Promise<Page<Item>> {
    const params = cursor === undefined ? {} : { cursor };
    const result = await this.#read(method, params, options, inside);
    return {
      items: result[member] as unknown as readonly Item[],
      nextCursor: result.nextCursor as string | undefined,
    };
  }

  /** One look for all calls that wait for it: a burst of first calls must not become a burst of lists. */
  #learnTools({ signal }: RequestOptions): Promise<void> {
    this.#learning ??= this.#readToolList().finally(() => {
      this.#learning = undefined;
    });
    return signal === undefined ? this.#learning : untilAborted(signal, this.#learning);
  }

  /**
   * One look for all calls whose headers the server found wrong: from the server, and past the bulkhead, where
   * calls that wait for it may hold every place.
   */
  #relearnTools(): Promise<unknown> {
    if (this.#relearning === undefined) {
      this.toolsChanged();
      this.#relearning = this.#listTools(NO_OPTIONS, true).finally(() => {
        this.#relearning = undefined;
      });
    }
    return this.#relearning;
  }

  /** One function for all calls: each of them may wait for long, and would keep its own. */
  readonly #correctHeaders: NonNullable<MethodCall["correctHeaders"]> = async ({ params }) => {
    await this.#relearnTools();
    return this.toolBook.headersFor(String(params.name), params.arguments as JsonObject);
  };

  readonly #checkOutput: NonNullable<MethodCall["finish"]> = (result, { params, options }) => {
    const book = this.toolBook;
    const name = String(params.name);
    if (!book.has(name)) {
      if (result.structuredContent === undefined) return result;
      // The first structured answer is worth one look at the list: else nothing could be checked.
      if (!book.complete) {
        return this.#learnTools(options).then(
          () => book.checkOutput(name, result),
          (error: unknown) => {
            throw uncheckable(name, error);
          },
        );
      }
    }
    return book.checkOutput(name, result);
  };

  /** A server that answers calls and refuses its list leaves nothing to check by. */
  async #readToolList(): Promise<void> {
    const since = this.toolBook.mark();
    try {
      await this.listTools();
    } catch (error) {
      if (!MCPError.isInstance(error)) throw error;
      this.toolBook.completed(since);
    }
  }
}

/** The tool has run: whatever the look at the list failed with, the call is not to be repeated for it. */
function uncheckable(name: string, error: unknown): unknown {
  if (!MCPClientError.isInstance(error)) return error;
  const { code, status, details } = error;
  return new MCPClientError(
    code,
    `tool "${name}" has answered, but the list that says what its output must look like could not be read: ${error.message}`,
    { cause: error, retry: "never", status, details },
  );
}

async function checkedValue(
  name: string,
  value: unknown,
  schema: StandardSchemaV1 | JsonSchema,
): Promise<unknown> {
  let validate = validators.get(schema);
  if (validate === undefined) {
    // A Standard Schema of the caller's own may be one that JSON Schema cannot express.
    validate = isStandardSchema(schema)
      ? standardValidator(schema)
      : compileSchema(schema, {
          side: "output",
          subject: `option "output" of call("${name}")`,
          requireObjectRoot: false,
        }).validate;
    validators.set(schema, validate);
  }
  const outcome = await validate(value);
  if (outcome.issues === undefined) return outcome.value;
  throw new MCPClientError(
    "invalid_output",
    `tool "${name}": its value does not fit option "output": ${outcome.issues
      .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
      .join("; ")}`,
    { details: { issues: outcome.issues } },
  );
}
