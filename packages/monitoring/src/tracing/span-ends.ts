import {
  type InvocationResult,
  isJsonObject,
  MCPError,
  redact,
  redactText,
} from "@backplane/protocol";
import { type Attributes, type Span, SpanStatusCode } from "@opentelemetry/api";
import { ATTRIBUTES } from "../attributes.ts";

/** Longest text of an error, of arguments and of results. */
const MAX_TEXT = 8_192;
const MAX_MESSAGE = 1_000;

/** Longest name in the name of a span. */
const MAX_NAME = 200;

/** `tools/call get_weather`: the method, and a name of low cardinality. */
export function spanName(
  method: string,
  kind: string | undefined,
  target: string | undefined,
): string {
  return kind === undefined || target === undefined
    ? method
    : `${method} ${target.slice(0, MAX_NAME)}`;
}

/** Which of the two a target is a name of; the URI of a resource is none. */
export function targetKind(method: string): "tool" | "prompt" | undefined {
  if (method === "tools/call") return "tool";
  return method === "prompts/get" ? "prompt" : undefined;
}

/** The attributes that say what is asked: of what a sampler may decide by. */
export function targetAttributes(method: string, target: string | undefined): Attributes {
  if (target === undefined) return { [ATTRIBUTES.method]: method };
  const shown = target.length <= MAX_MESSAGE ? target : target.slice(0, MAX_MESSAGE);
  const kind = targetKind(method);
  if (kind === "tool") {
    return {
      [ATTRIBUTES.method]: method,
      [ATTRIBUTES.tool]: shown,
      [ATTRIBUTES.operation]: "execute_tool",
    };
  }
  if (kind === "prompt") return { [ATTRIBUTES.method]: method, [ATTRIBUTES.prompt]: shown };
  // A URI may carry a credential in its query.
  return { [ATTRIBUTES.method]: method, [ATTRIBUTES.resource]: redactText(shown) };
}

/** A value as one redacted line of JSON. */
export function recorded(value: unknown): string {
  return JSON.stringify(redact(value) ?? null).slice(0, MAX_TEXT);
}

/** The result has come; an `isError` one is a failure of the tool. */
export function endWithResult(span: Span, result: InvocationResult, withResult: boolean): void {
  if (isJsonObject(result)) {
    if (withResult) {
      const { structuredContent, content } = result;
      span.setAttribute(ATTRIBUTES.result, recorded(structuredContent ?? content));
    }
    if (result["isError"] === true) {
      span.setAttribute(ATTRIBUTES.error, "tool_error");
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
  }
  span.end();
}

/** It failed. @param code what a client's own error has instead of a JSON-RPC code. */
export function endWithError(span: Span, error: unknown, code: string | undefined): void {
  const { code: ownCode } = asMCPError(error) ?? {};
  const own = ownCode === undefined ? undefined : String(ownCode);
  const message = redactText(messageOf(error).slice(0, MAX_MESSAGE));
  span.setAttribute(ATTRIBUTES.error, own ?? code ?? nameOf(error));
  if (own !== undefined) span.setAttribute(ATTRIBUTES.status, own);
  else span.recordException({ name: nameOf(error), message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end();
}

/** Undefined for anything else, even for what throws when it is looked at, as handlers may. */
export function asMCPError(error: unknown): MCPError | undefined {
  try {
    return MCPError.isInstance(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return "";
  }
}

function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.name).slice(0, MAX_NAME) : typeof error;
  } catch {
    return "unknown";
  }
}
