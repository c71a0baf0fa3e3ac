import { ErrorCode, MCPError } from "@backplane/protocol";

const RETRY_AFTER_MS = 1_000;

/** −1503: what holds the resource does not answer now. @param cause for the log; the client does not see it. */
export function sourceAway(cause: unknown, retryAfterMs: number = RETRY_AFTER_MS): MCPError {
  return new MCPError(ErrorCode.unavailable, "The source of the resource is away", {
    data: { reason: "source_unavailable" },
    retryAfterMs,
    cause,
  });
}
