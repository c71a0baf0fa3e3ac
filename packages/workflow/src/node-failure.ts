import { type JsonObject, MCPError, ToolExecutionError } from "@backplane/protocol";
import { WorkflowError } from "./errors.ts";
import { messageOf } from "./internal/message-of.ts";

/** What another round or process needs to know of a failure. */
export function describeFailure(error: unknown): JsonObject {
  const message = messageOf(error);
  if (!MCPError.isInstance(error)) return { message };
  return { message, code: error.code, tool: ToolExecutionError.isInstance(error) };
}

/** The failure of an earlier round or process. What was meant for the client still is. */
export function reviveFailure({ message, code, tool }: JsonObject, node: string): Error {
  const text = String(message);
  if (typeof code === "number" && Number.isInteger(code)) {
    return tool === true ? new ToolExecutionError(code, text) : new MCPError(code, text);
  }
  return new WorkflowError(
    "node_failed",
    `node "${node}" failed before, and is not idempotent, so it is not tried again: ${text}`,
    { node },
  );
}
