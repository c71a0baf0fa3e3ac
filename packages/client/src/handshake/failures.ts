import { MCPError } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { Carrier, NegotiationEvent, NegotiationStep } from "../negotiation/types.ts";

/** What a failure is to the negotiation. */
export function failureEvent(
  failure: unknown,
  over: Carrier,
  status?: number | undefined,
): NegotiationEvent {
  if (MCPError.isInstance(failure)) return { kind: "error", error: failure, status };
  const error = asClientError(failure);
  switch (error.code) {
    case "timeout":
      return { kind: "timeout", error };
    case "connection_lost":
      return { kind: "closed", error };
    case "connection_failed":
      // A process that cannot be started cannot be started again; over HTTP nobody was reached.
      return over === "stdio" ? { kind: "fatal", error } : { kind: "closed", error };
    case "invalid_response":
    case "response_too_large":
      return { kind: "unusable", error };
    case "http_status":
      return { kind: "http-failure", error };
    default:
      return { kind: "fatal", error };
  }
}

/** A result that is not what the protocol prescribes. */
export function unusable({ kind }: NegotiationStep, problem: string): NegotiationEvent {
  const method = kind === "discover" ? "server/discover" : kind;
  const text = `${method}: the result is invalid: ${problem}`;
  return { kind: "unusable", error: new MCPClientError("invalid_response", text) };
}

/** The error as who connects sees it: whatever became of the handshake, no request was worked on. */
export function beforeAnyRequest(failure: unknown): MCPError | MCPClientError {
  if (MCPError.isInstance(failure)) return failure;
  const error = asClientError(failure);
  if (error.retry !== "if-idempotent") return error;
  const { code, message, retryAfterMs, status, details } = error;
  return new MCPClientError(code === "connection_lost" ? "connection_failed" : code, message, {
    cause: error,
    retry: "always",
    retryAfterMs,
    status,
    details,
  });
}

function asClientError(failure: unknown): MCPClientError {
  if (MCPClientError.isInstance(failure)) return failure;
  const text = failure instanceof Error ? failure.message : String(failure);
  return new MCPClientError("connection_failed", text, { cause: failure, retry: "never" });
}
