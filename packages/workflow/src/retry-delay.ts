import { MCPClientError } from "@backplane/client";
import { ErrorCode, MCPError, ToolExecutionError } from "@backplane/protocol";
import { WorkflowError, WorkflowRunError } from "./errors.ts";
import type { NodeRetry } from "./node-settings.ts";

/** `always`: no work can have begun; `if-idempotent`: it may have; `never`: it would fail the same way again. */
type Advice = "always" | "if-idempotent" | "never";

const BY_CODE: ReadonlyMap<number, Advice> = new Map([
  [ErrorCode.rateLimited, "always"],
  [ErrorCode.unavailable, "always"],
  [ErrorCode.deadlineExceeded, "if-idempotent"],
]);

/**
 * The wait before the next attempt of a node, with jitter, so that what failed together does not come back together.
 * @param attempts made so far.
 * @returns undefined when the error stands.
 */
export function retryDelayMs(
  error: Error,
  attempts: number,
  idempotent: boolean,
  retry: NodeRetry,
): number | undefined {
  if (attempts > retry.maxRetries) return undefined;
  const advice = adviceOf(error);
  if (advice === "never") return undefined;
  if (advice === "if-idempotent" && !idempotent && !retry.evenIfNotIdempotent) return undefined;
  const askedMs = retryAfterMs(error);
  if (askedMs > retry.maxDelayMs) return undefined;
  const capMs = Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (attempts - 1));
  return askedMs + Math.random() * capMs;
}

function adviceOf(error: Error): Advice {
  if (MCPClientError.isInstance(error)) return error.retry;
  // A tool's own failure is an answer like an exception of a function: another attempt may go well.
  if (ToolExecutionError.isInstance(error)) return BY_CODE.get(error.code) ?? "if-idempotent";
  if (MCPError.isInstance(error)) return BY_CODE.get(error.code) ?? "never";
  // A run inside of a node failed for a reason of its own.
  if (WorkflowRunError.isInstance(error) && error.cause instanceof Error)
    return adviceOf(error.cause);
  if (WorkflowError.isInstance(error)) return error.code === "timeout" ? "if-idempotent" : "never";
  return "if-idempotent";
}

function retryAfterMs(error: Error): number {
  return MCPClientError.isInstance(error) || MCPError.isInstance(error)
    ? (error.retryAfterMs ?? 0)
    : 0;
}
