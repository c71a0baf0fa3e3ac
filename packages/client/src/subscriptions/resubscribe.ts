import { ErrorCode, MCPError } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { ReconnectOptions } from "../http/http-options.ts";
import type { FeedError } from "./feed.ts";

/** How a subscription comes back after a loss. */
export interface ResubscribeOptions extends ReconnectOptions {
  /** A stream that was open for this long in milliseconds has its whole budget again when it is lost. */
  readonly stableMs: number;
  /** Longest time to an acknowledgement, in milliseconds. */
  readonly acknowledgeMs: number;
}

export const DEFAULT_RESUBSCRIBE: ResubscribeOptions = {
  maxAttempts: 30,
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  budgetMs: 900_000,
  stableMs: 30_000,
  acknowledgeMs: 10_000,
};

/** A server's own errors that time may mend. */
const PASSING: ReadonlySet<number> = new Set([
  ErrorCode.rateLimited,
  ErrorCode.unavailable,
  ErrorCode.deadlineExceeded,
  ErrorCode.internalError,
  ErrorCode.unsupportedProtocolVersion,
]);

/** Whether asking again would end the same way. */
export function isFinal(error: FeedError): boolean {
  if (MCPError.isInstance(error)) return !PASSING.has(error.code);
  // A link that was closed was replaced: whether the client is closed, the next `acquire` says.
  return error.retry === "never" && error.code !== "closed";
}

/** What a member is told whose stream does not come back. */
export function exhausted(cause: FeedError): MCPClientError {
  return new MCPClientError(
    "stream_exhausted",
    `the subscription used up its budget of reconnects; last: ${cause.message}`,
    { cause },
  );
}
