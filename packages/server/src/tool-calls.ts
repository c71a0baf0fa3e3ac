import {
  argumentAt,
  type CallToolResult,
  headerMatches,
  headerMismatch,
  invalidParams,
  isJsonObject,
  ToolExecutionError,
  type ValidationIssue,
  type ValidationOutcome,
} from "@backplane/protocol";
import type { Call } from "./call.ts";
import { asks, endRound } from "./input-round.ts";
import { isPromise } from "./internal/is-promise.ts";
import { type RegisteredTool, toToolResult } from "./tools.ts";

const NO_ARGUMENTS: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Runs one tool call: arguments validated, handler run, result given its form and validated; what the handler
 * still asks is the result, in the same step, since one more is a promise in every call. Stays synchronous
 * as long as validators and handler do.
 */
export function callTool(
  call: Call,
  tool: RegisteredTool,
  params: Readonly<Record<string, unknown>>,
): object | PromiseLike<object> {
  const args = params.arguments ?? NO_ARGUMENTS;
  if (!isJsonObject(args)) throw invalidParams("params.arguments must be an object");
  if (tool.input === undefined) return runHandler(call, tool, args);
  const outcome = tool.input.validate(args);
  return isPromise(outcome)
    ? outcome.then((settled) => runValidated(call, tool, settled))
    : runValidated(call, tool, outcome);
}

/**
 * Compares `Mcp-Param-*` headers with the arguments that they mirror.
 * @throws {MCPError} −32020 for a header that is missing, malformed or different (spec: transports/streamable-http).
 */
export function checkHeaderParameters(call: Call, tool: RegisteredTool): void {
  for (const { header, path, type } of tool.headerParameters) {
    const value = argumentAt(call.params.arguments, path);
    if (!headerMatches(call.peer.transport.header(header), value, type)) {
      throw headerMismatch(`${header} does not match params.arguments.${path.join(".")}`);
    }
  }
}

function runValidated(
  call: Call,
  tool: RegisteredTool,
  outcome: ValidationOutcome,
): object | PromiseLike<object> {
  return outcome.issues === undefined
    ? runHandler(call, tool, outcome.value)
    : invalidInput(tool, outcome.issues);
}

function runHandler(call: Call, tool: RegisteredTool, args: unknown): object | PromiseLike<object> {
  try {
    const value = tool.handler(args, call);
    // A thenable of another kind, as query builders are, need not return what its callbacks make.
    return isPromise(value)
      ? Promise.resolve(value).then(
          (settled) => endedWith(call, tool, settled),
          (error: unknown) => failedWith(call, error),
        )
      : endedWith(call, tool, value);
  } catch (error) {
    return failedWith(call, error);
  }
}

function endedWith(call: Call, tool: RegisteredTool, value: unknown): object | PromiseLike<object> {
  return asks(call) ? endRound(call) : finishResult(tool, value);
}

/** An expected failure is a result that the model can read; anything else goes on as an error. */
function failedWith(call: Call, error: unknown): object | PromiseLike<object> {
  if (asks(call)) return endRound(call);
  if (ToolExecutionError.isInstance(error)) return error.toResult();
  throw error;
}

function finishResult(
  tool: RegisteredTool,
  value: unknown,
): CallToolResult | PromiseLike<CallToolResult> {
  const result = toToolResult(tool, value);
  if (tool.output === undefined || result.isError === true) return result;
  const outcome = tool.output.validate(result.structuredContent);
  return isPromise(outcome)
    ? outcome.then((settled) => conforming(tool, result, settled))
    : conforming(tool, result, outcome);
}

/** The schema's own output is sent: a schema may strip what it does not advertise. */
function conforming(
  tool: RegisteredTool,
  result: CallToolResult,
  outcome: ValidationOutcome,
): CallToolResult {
  if (outcome.issues !== undefined) {
    throw new TypeError(
      `tool "${tool.key}" returned a value that its output schema refuses: ${describe(outcome.issues)}`,
    );
  }
  if (outcome.value === result.structuredContent) return result;
  const isPlain = result.content.length === 1 && result.content[0]?.type === "text";
  const text = JSON.stringify(outcome.value);
  const madeHere =
    isPlain &&
    (result.content[0] as { text: string }).text === JSON.stringify(result.structuredContent);
  return {
    ...result,
    structuredContent: outcome.value,
    ...(madeHere && { content: [{ type: "text", text }] }),
  };
}

/** Invalid arguments are a result, so that the model can correct itself (spec: server/tools, error handling). */
function invalidInput(tool: RegisteredTool, issues: readonly ValidationIssue[]): CallToolResult {
  return {
    content: [
      { type: "text", text: `Invalid arguments for tool "${tool.key}": ${describe(issues)}` },
    ],
    isError: true,
  };
}

function describe(issues: readonly ValidationIssue[]): string {
  return issues
    .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
    .join("; ");
}
