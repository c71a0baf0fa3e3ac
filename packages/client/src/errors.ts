/**
 * Whether sending the request again makes sense. `always`: the server cannot have worked on it;
 * `if-idempotent`: it may have; `never`: the same request would fail the same way.
 */
export type RetryAdvice = "always" | "if-idempotent" | "never";

/** What went wrong on this side or between the two; what the server itself answers is an `MCPError`. */
export type ClientErrorCode = keyof typeof RETRY_ADVICE;

/** The advice that each code carries unless the error says otherwise. */
const RETRY_ADVICE = {
  /** Nothing listens there, or no TLS or TCP connection came about: the request was never sent. */
  connection_failed: "always",
  /** The connection or process ended while the request was under way. */
  connection_lost: "if-idempotent",
  /** A deadline of this client ran out; `details.deadline` says which. */
  timeout: "if-idempotent",
  /** The caller's own signal fired; its reason is the `cause`. */
  aborted: "never",
  /** The client or pool was closed, or never connected. */
  closed: "never",
  /** An HTTP status that the protocol does not know; `status` and `details.body` say more. */
  http_status: "never",
  /** 401, or 403 with a challenge, and no better credentials. */
  unauthorized: "never",
  /** The server sends the request elsewhere; redirects are never followed, since they would carry credentials along. */
  redirected: "never",
  /** What came back is not what the protocol allows. */
  invalid_response: "never",
  /** What came back passed `limits.maxResponseBytes`, `maxJsonDepth` or `maxStreamEvents`. */
  response_too_large: "never",
  /** The breaker of this target is open; `retryAfterMs` says until when. */
  circuit_open: "always",
  /** As many calls run and wait as the bulkhead allows. */
  overloaded: "always",
  /** No connection of the pool became free in `connectionTimeoutMs`. */
  acquire_timeout: "always",
  /** The server no longer knows the session; a new one is opened by the next request. */
  session_lost: "always",
  /** The server speaks no revision that this client speaks. */
  unsupported_version: "never",
  /** The server does not offer this, or its era cannot express it. */
  not_supported: "never",
  /** The server asks for input that no handler gives, or asks without end. */
  input_refused: "never",
  /** A list whose cursors repeat or never end. */
  pagination_loop: "never",
  /** The structured content does not fit the schema that the tool advertises, or the caller's own. */
  invalid_output: "never",
  /** A subscription used up its budget of reconnects. */
  stream_exhausted: "always",
} as const;

/** What an error says beside its code and message. */
export interface MCPClientErrorOptions {
  readonly cause?: unknown;
  /** Replaces the advice that the code carries. */
  readonly retry?: RetryAdvice;
  /** When a retry makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  /** The HTTP status, where there was one. */
  readonly status?: number | undefined;
  /** Anything that helps to find the cause; no credentials. */
  readonly details?: Readonly<Record<string, unknown>>;
}

const brand: symbol = Symbol.for("backplane.MCPClientError");

/** A failure that the server did not report: of the network, the process, a limit, or of what came back. */
export class MCPClientError extends Error {
  override readonly name: string = "MCPClientError";
  readonly code: ClientErrorCode;
  readonly retry: RetryAdvice;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  static {
    Object.defineProperty(MCPClientError.prototype, brand, { value: true });
  }

  constructor(code: ClientErrorCode, message: string, options: MCPClientErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? RETRY_ADVICE[code];
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.details = options.details ?? {};
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is MCPClientError {
    return typeof value === "object" && value !== null && brand in value;
  }
}
