import {
  type CallToolResult,
  isJsonObject,
  type JsonObject,
  META_TOOL_ERROR,
  ToolExecutionError,
} from "@backplane/protocol";

/** The code of a tool's failure that carries none of its own: an `isError` result of another toolkit. */
const UNNAMED_TOOL_ERROR = -1;

/** The error that stands for an `isError` result, with what the server's `_meta` says of it. */
export function toolError(name: string, result: CallToolResult): ToolExecutionError {
  const meta = result._meta?.[META_TOOL_ERROR];
  const { code, retryAfterMs, data } = isJsonObject(meta) ? meta : ({} as JsonObject);
  return new ToolExecutionError(
    Number.isInteger(code) ? (code as number) : UNNAMED_TOOL_ERROR,
    textOf(result) ?? `tool "${name}" failed`,
    {
      data,
      ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 && { retryAfterMs }),
    },
  );
}

/**
 * The value of a result: the structured content, else the text of its content blocks (one text block as a string),
 * else the blocks themselves.
 */
export function toolOutput(result: CallToolResult): unknown {
  return result.structuredContent ?? textOf(result) ?? result.content;
}

/** The text of content that is nothing but text. */
function textOf({ content }: CallToolResult): string | undefined {
  if (content.length === 0 || content.some(({ type }) => type !== "text")) return undefined;
  return content.map((block) => (block as { text: string }).text).join("\n");
}
