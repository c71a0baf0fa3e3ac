import { exceedsJsonDepth, isJsonObject } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";

/** @throws {MCPClientError} when `text` is not JSON, or nests deeper than `maxJsonDepth`. */
export function parseMessage(text: string, maxJsonDepth: number, where: string): unknown {
  if (exceedsJsonDepth(text, maxJsonDepth)) {
    throw new MCPClientError(
      "response_too_large",
      `${where}: the answer nests deeper than limits.maxJsonDepth (${maxJsonDepth})`,
    );
  }
  try {
    return withoutNullId(JSON.parse(text));
  } catch (cause) {
    throw new MCPClientError("invalid_response", `${where}: the answer is not JSON`, { cause });
  }
}

/** Whether a message ends the stream of a request, as far as its shape says. */
export function isResponse(message: unknown): boolean {
  return isJsonObject(message) && !("method" in message);
}

/**
 * A server that could not read the id answers with null (JSON-RPC 2.0, 5); MCP leaves it out, and so do
 * the guards here.
 */
export function withoutNullId(message: unknown): unknown {
  if (!isJsonObject(message) || message.id !== null) return message;
  const { id: _, ...rest } = message;
  return rest;
}
