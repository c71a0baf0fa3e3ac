import {
  argumentAt,
  encodeHeaderValue,
  type HeaderParameter,
  headerParameters,
  type JsonObject,
  type Logger,
  SchemaError,
  type Tool,
  type ValidationOutcome,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import { compileOutputCheck, type OutputCheck } from "./output-check.ts";

const NO_HEADERS: readonly string[] = [];

/** What a client keeps of a tool that the server listed. */
interface KnownTool {
  readonly tool: Tool;
  readonly headers: readonly HeaderParameter[];
  readonly repeatable: boolean;
  /** Compiled with the first structured result; undefined for a schema that nothing can be checked by. */
  output: OutputCheck | undefined | "unread";
}

/**
 * What the server's tool list says about calls: the arguments that travel in headers, whether a call may be
 * repeated, and what its structured output must look like.
 */
export class ToolBook {
  readonly #logger: Logger;
  readonly #trustAnnotations: boolean;
  #known = new Map<string, KnownTool>();
  /** Every page of the list was read since the last change. */
  #complete = false;
  /** How often the server's tools changed. */
  #changes = 0;

  constructor(options: { readonly logger: Logger; readonly trustAnnotations: boolean }) {
    this.#logger = options.logger;
    this.#trustAnnotations = options.trustAnnotations;
  }

  /** Whether the server's list is known, so that a tool which is not in it need not be looked up. */
  get complete(): boolean {
    return this.#complete;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  /** A mark of now, to be taken before the list is asked for and handed to `learn` and `completed`. */
  mark(): number {
    return this.#changes;
  }

  /**
   * Takes in tools as they were listed, unless they have changed meanwhile.
   * @param since the {@link mark} of when they were asked for.
   * @param mirrors whether their headers count here: then a tool that breaks the rules is dropped (spec:
   * transports/streamable-http).
   * @returns the tools that can be called.
   */
  learn(tools: readonly Tool[], since: number, mirrors: boolean): Tool[] {
    const current = since === this.#changes;
    return tools.filter((tool) => {
      let headers: readonly HeaderParameter[] = [];
      if (mirrors) {
        try {
          headers = headerParameters(tool.inputSchema, `tool "${tool.name}"`);
        } catch (error) {
          if (!(error instanceof SchemaError)) throw error;
          if (current) this.#known.delete(tool.name);
          this.#logger.warn(
            { tool: tool.name, err: error },
            "dropped a tool whose headers are invalid",
          );
          return false;
        }
      }
      const { readOnlyHint, idempotentHint } = tool.annotations ?? {};
      const repeatable =
        this.#trustAnnotations && (readOnlyHint === true || idempotentHint === true);
      if (current) this.#known.set(tool.name, { tool, headers, repeatable, output: "unread" });
      return true;
    });
  }

  /** The whole list was read. @param since the {@link mark} of when it was asked for. */
  completed(since: number): void {
    if (since === this.#changes) this.#complete = true;
  }

  /** The server's tools changed: what is known may be wrong, and so is a list that is on its way. */
  changed(): void {
    this.#changes++;
    this.forget();
  }

  /** A connection was opened, perhaps to another server; a list that is on its way comes over it. */
  forget(): void {
    this.#known = new Map();
    this.#complete = false;
  }

  /** The headers that mirror a call's arguments: names and values by turns (spec: transports/streamable-http). */
  headersFor(name: string, args: JsonObject): readonly string[] {
    const known = this.#known.get(name);
    if (known === undefined || known.headers.length === 0) return NO_HEADERS;
    return known.headers.flatMap(({ header, path }) => {
      const value = argumentAt(args, path);
      // Nothing for null and absent. What is no primitive fits no header: the server's schema refuses it.
      if (value === undefined || value === null || typeof value === "object") return [];
      return [header, encodeHeaderValue(String(value))];
    });
  }

  /** Whether the tool says of itself that a call may be repeated. */
  isRepeatable(name: string): boolean {
    return this.#known.get(name)?.repeatable === true;
  }

  /**
   * @returns the result of the call.
   * @throws {MCPClientError} `invalid_output` when its structured content does not fit what the tool advertises.
   */
  checkOutput<Result extends JsonObject>(name: string, result: Result): Result {
    const known = this.#known.get(name);
    if (known?.tool.outputSchema === undefined || result.isError === true) return result;
    if (result.structuredContent === undefined) {
      throw new MCPClientError(
        "invalid_output",
        `tool "${name}" advertises an output schema and answered without structured content`,
      );
    }
    const outcome = this.#validate(known, result.structuredContent);
    if (outcome?.issues === undefined) return result;
    throw new MCPClientError(
      "invalid_output",
      `tool "${name}" answered with structured content that its output schema refuses: ${outcome.issues
        .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
        .join("; ")}`,
      { details: { tool: name, issues: outcome.issues } },
    );
  }

  /**
   * A schema that cannot be compiled here (a foreign dialect, a network `$ref`), or that takes too long, checks
   * nothing, and says so once.
   */
  #validate(known: KnownTool, value: unknown): ValidationOutcome | undefined {
    const { name, outputSchema } = known.tool;
    try {
      if (known.output === "unread") {
        known.output = compileOutputCheck(outputSchema as JsonObject, `tool "${name}" output`);
      }
      return known.output?.validate(value);
    } catch (error) {
      known.output = undefined;
      this.#logger.warn(
        { tool: name, err: error },
        "structured output of this tool cannot be checked",
      );
      return undefined;
    }
  }
}
