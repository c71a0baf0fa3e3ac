import { MCPClientError, type RetryAdvice } from "../errors.ts";
import type { SendStage } from "./http-sender.ts";

/** The system and undici report these before there is a connection. */
const NO_CONNECTION: ReadonlySet<string> = new Set([
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "EAI_FAIL",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** How Node and OpenSSL name what is wrong with a certificate or a handshake. */
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA$|PATH_LENGTH_|HOSTNAME_MISMATCH$)/;

/** Says what a failed exchange was, by its cause and by how far it had come. */
export function networkError(error: unknown, stage: SendStage, where: string): MCPClientError {
  if (MCPClientError.isInstance(error)) return error;
  const cause = rootCause(error);
  const code = codeOf(cause);
  const failed = (kind: "connection_failed" | "connection_lost", retry?: RetryAdvice) =>
    new MCPClientError(kind, `${where}: ${describe(cause, code)}`, {
      cause: error,
      details: code === undefined ? {} : { reason: code },
      ...(retry !== undefined && { retry }),
    });

  if (stage === "invalid") {
    return new MCPClientError("not_supported", `${where}: HTTP cannot carry it: ${cause.message}`, {
      cause: error,
    });
  }
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED") {
    return new MCPClientError("closed", `${where}: the dispatcher is closed`, { cause: error });
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return new MCPClientError(
      "response_too_large",
      `${where}: the answer's headers are larger than HTTP clients accept`,
      { cause: error },
    );
  }
  // Its code is not always set.
  if (cause.name === "HTTPParserError") {
    return new MCPClientError("invalid_response", `${where}: the answer is not HTTP`, {
      cause: error,
    });
  }
  // The same certificate would be refused again.
  if (code !== undefined && TLS_CODE.test(code)) return failed("connection_failed", "never");
  if (stage === "unsent" || (code !== undefined && NO_CONNECTION.has(code))) {
    return failed("connection_failed");
  }
  // The system took less than the whole request, so that the server cannot have read it to its end.
  if (codeOf(cause, "syscall") === "write") return failed("connection_lost", "always");
  return failed("connection_lost");
}

/** `fetch` wraps what happened; with several addresses there is one error for each. */
function rootCause(error: unknown): Error {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error && codeOf(cause) === undefined) {
    cause = cause.cause;
  }
  return cause instanceof Error ? cause : new Error(String(cause));
}

function codeOf(error: Error, field: "code" | "syscall" = "code"): string | undefined {
  const value = (error as unknown as Record<string, unknown>)[field];
  return typeof value === "string" ? value : undefined;
}

function describe(cause: Error, code: string | undefined): string {
  // The message of several failed addresses at once is empty.
  if (cause.message === "") return code ?? "the connection failed";
  return code === undefined || cause.message.includes(code)
    ? cause.message
    : `${cause.message} (${code})`;
}
