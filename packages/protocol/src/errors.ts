import { isJsonObject } from "./json.ts";
import type { JsonRpcErrorObject } from "./json-rpc.ts";
import { META_TOOL_ERROR } from "./meta.ts";
import type { AuthenticationFailure } from "./seams/authenticator.ts";
import type { CallToolResult } from "./types/primitives.ts";

/** JSON-RPC and MCP error codes (spec: basic/index; schema constants). */
export const ErrorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Legacy revisions only; modern servers must not emit it. */
  legacyResourceNotFound: -32002,
  /** 2025-11-25 only. */
  legacyUrlElicitationRequired: -32042,
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
  // Backplane's own conditions, outside the range that JSON-RPC reserves.
  unauthenticated: -1401,
  forbidden: -1403,
  resourceTooLarge: -1413,
  rateLimited: -1429,
  unavailable: -1503,
  deadlineExceeded: -1504,
} as const;

/** What an error says beside its code and its message. */
export interface MCPErrorOptions {
  /** Anything JSON that helps the client. Shown to it, so nothing internal. */
  readonly data?: unknown;
  /** When a retry makes sense, in milliseconds from now. Sent as `Retry-After` and in `data`. */
  readonly retryAfterMs?: number;
  /** For the log of this process only. */
  readonly cause?: unknown;
}

const brand: symbol = Symbol.for("backplane.MCPError");
const toolBrand: symbol = Symbol.for("backplane.ToolExecutionError");
const authorizationBrand: symbol = Symbol.for("backplane.AuthorizationError");

/**
 * An error that crosses the wire as a JSON-RPC error. Its message and data are shown to the client,
 * so they must hold nothing internal. Application codes lie outside −32768…−32000.
 */
export class MCPError extends Error {
  override readonly name: string = "MCPError";
  readonly code: number;
  readonly data: unknown;
  readonly retryAfterMs: number | undefined;

  static {
    Object.defineProperty(MCPError.prototype, brand, { value: true });
  }

  /** @throws {TypeError} when `code` is not an integer (JSON-RPC 2.0, 5.1). */
  constructor(code: number, message: string, options: MCPErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (!Number.isInteger(code)) throw new TypeError(`MCPError: code ${code} is not an integer`);
    this.code = code;
    this.data = options.data;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is MCPError {
    return typeof value === "object" && value !== null && brand in value;
  }

  /** The error member of the response. */
  toErrorObject(): JsonRpcErrorObject {
    const data =
      this.retryAfterMs === undefined ? this.data : withRetry(this.data, this.retryAfterMs);
    return data === undefined
      ? { code: this.code, message: this.message }
      : { code: this.code, message: this.message, data };
  }
}

/** `data` that is no object moves to a member, so that both parts stay readable. */
function withRetry(data: unknown, retryAfterMs: number): object {
  if (data === undefined) return { retryAfterMs };
  return isJsonObject(data) ? { ...data, retryAfterMs } : { detail: data, retryAfterMs };
}

/**
 * A tool's expected failure: the model sees it as an `isError` result and can act on it. `code`,
 * `retryAfterMs` and `data` ride in a namespaced `_meta` key, from which `MCPClient` rebuilds it.
 */
export class ToolExecutionError extends MCPError {
  override readonly name: string = "ToolExecutionError";

  static {
    Object.defineProperty(ToolExecutionError.prototype, toolBrand, { value: true });
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static override isInstance(value: unknown): value is ToolExecutionError {
    return typeof value === "object" && value !== null && toolBrand in value;
  }

  /** The `isError` result that the model reads. */
  toResult(): CallToolResult {
    return {
      content: [{ type: "text", text: this.message }],
      isError: true,
      _meta: {
        [META_TOOL_ERROR]: {
          code: this.code,
          ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
          ...(this.data !== undefined && { data: this.data }),
        },
      },
    };
  }
}

/** A policy's refusal of a primitive that the caller may see; over HTTP its failure is the answer. */
export class AuthorizationError extends MCPError {
  override readonly name: string = "AuthorizationError";
  /** The status, headers and message that the caller is answered with. */
  readonly failure: AuthenticationFailure;

  static {
    Object.defineProperty(AuthorizationError.prototype, authorizationBrand, { value: true });
  }

  constructor(failure: AuthenticationFailure) {
    super(ErrorCode.forbidden, failure.message);
    this.failure = failure;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static override isInstance(value: unknown): value is AuthorizationError {
    return typeof value === "object" && value !== null && authorizationBrand in value;
  }
}

/** −32700 (JSON-RPC 2.0, 5.1). */
export function parseError(): MCPError {
  return new MCPError(ErrorCode.parseError, "Parse error: the message is not valid JSON");
}

/** −32600: what arrived is no request that could be served here (JSON-RPC 2.0, 5.1). */
export function invalidRequest(reason: string): MCPError {
  return new MCPError(ErrorCode.invalidRequest, `Invalid request: ${reason}`);
}

/** −32601: the method is unknown, or its capability is not declared (JSON-RPC 2.0, 5.1). */
export function methodNotFound(method: string): MCPError {
  return new MCPError(ErrorCode.methodNotFound, `Method not found: ${clip(method)}`);
}

/** −32602, also for an unknown tool, prompt or cursor (JSON-RPC 2.0, 5.1). */
export function invalidParams(reason: string, data?: unknown): MCPError {
  return new MCPError(ErrorCode.invalidParams, `Invalid params: ${reason}`, { data });
}

/** What a client is told of a failure it must not see: a fixed text and an id to find it in the log. */
export function internalError(correlationId: string): MCPError {
  return new MCPError(ErrorCode.internalError, "Internal error", { data: { correlationId } });
}

/** −32020: a header is missing or says something else than the body (spec: transports/streamable-http). */
export function headerMismatch(reason: string): MCPError {
  return new MCPError(ErrorCode.headerMismatch, `Header mismatch: ${reason}`);
}

/**
 * −32021: the client has not declared what the request needs.
 * @param requiredCapabilities an object shaped as `ClientCapabilities` (schema: MissingRequiredClientCapabilityError).
 */
export function missingClientCapability(requiredCapabilities: object): MCPError {
  return new MCPError(
    ErrorCode.missingClientCapability,
    `Missing client capability: ${Object.keys(requiredCapabilities).join(", ")}`,
    { data: { requiredCapabilities } },
  );
}

/** −32022, with the versions that are spoken (spec: basic/versioning). */
export function unsupportedProtocolVersion(
  requested: string,
  supported: readonly string[],
): MCPError {
  return new MCPError(
    ErrorCode.unsupportedProtocolVersion,
    `Unsupported protocol version: ${clip(requested)}; supported: ${supported.join(", ")}`,
    { data: { supported, requested: clip(requested) } },
  );
}

/** The named 503 of a server that drains or is full. `reason` is a stable word a client can match. */
export function unavailable(
  reason:
    | "draining"
    | "overloaded"
    | "too_many_sessions"
    | "too_many_streams"
    | "store_unavailable",
  retryAfterMs: number,
): MCPError {
  return new MCPError(ErrorCode.unavailable, `Server unavailable: ${reason}`, {
    data: { reason },
    retryAfterMs,
  });
}

/** −1413: the resource exists and is larger than what is served. */
export function resourceTooLarge(uri: string, maxBytes: number): MCPError {
  return new MCPError(
    ErrorCode.resourceTooLarge,
    `The resource is larger than ${maxBytes} bytes: ${clip(uri, 1_000)}`,
    { data: { uri: clip(uri, 1_000), maxBytes } },
  );
}

/** Which clock ran out: `idle` (reset by progress) or `total` (the absolute cap). */
export function deadlineExceeded(which: "idle" | "total", limitMs: number): MCPError {
  return new MCPError(
    ErrorCode.deadlineExceeded,
    `Deadline exceeded: the ${which} limit of ${limitMs} ms ran out`,
    { data: { deadline: which, limitMs } },
  );
}

/** Keeps what a client sent from making an error message of any size. */
export function clip(text: string, maxLength = 100): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
