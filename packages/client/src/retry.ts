import { checkMembers, ErrorCode, MCPError, wholeNumber } from "@backplane/protocol";
import { type ClientErrorCode, MCPClientError, type RetryAdvice } from "./errors.ts";

const SUBJECT = "Retry";

/** When a failed attempt is repeated. */
export interface RetryOptions {
  /** Attempts after the first. A whole number; 0 for none. Default 3. */
  readonly maxRetries: number;
  /** The delay before the first retry in milliseconds, which doubles with each further one. Default 100. */
  readonly initialDelayMs: number;
  /**
   * Longest delay in milliseconds. A server that asks for a longer one (`Retry-After`) gets no retry: the
   * error stands and says when to come back. Default 30,000.
   */
  readonly maxDelayMs: number;
  /**
   * How much of the delay is left to chance, so that clients which failed together do not come back
   * together: `full` anything from nothing to the whole delay, `equal` half of it. Default `full`.
   */
  readonly jitter: "full" | "equal";
}

const DEFAULTS: RetryOptions = {
  maxRetries: 3,
  initialDelayMs: 100,
  maxDelayMs: 30_000,
  jitter: "full",
};

/** Decides whether and when a failed attempt is repeated. */
export interface RetryPolicy {
  /** @returns undefined when the error stands. */
  delayMs(error: MCPError | MCPClientError, state: RetryState): number | undefined;
}

/** What a {@link RetryPolicy} looks at beside the error. */
export interface RetryState {
  /** Attempts made so far, the failed one included. */
  readonly attempts: number;
  /** The request may be repeated after it may have been worked on. */
  readonly idempotent: boolean;
  /** What is left of the request's budget; `Infinity` without one. */
  readonly remainingMs: number;
}

/** A server's own errors that a retry can mend. Everything else fails the same way again. */
const BY_ERROR_CODE: ReadonlyMap<number, RetryAdvice> = new Map([
  // Refused before any work.
  [ErrorCode.rateLimited, "always"],
  [ErrorCode.unavailable, "always"],
  [ErrorCode.unsupportedProtocolVersion, "always"],
  // The server's own clock ran out in the middle of the work.
  [ErrorCode.deadlineExceeded, "if-idempotent"],
]);

/** Of this side's own making: a wait inside the request would only hide that there is too much of it. */
const LOCAL: ReadonlySet<ClientErrorCode> = new Set([
  "circuit_open",
  "overloaded",
  "acquire_timeout",
  "closed",
  "aborted",
]);

/**
 * A policy of exponential backoff with jitter. It asks what failed, never how it was thrown: each error says
 * whether the server can have worked on the request.
 * @throws {TypeError} that names the option.
 */
export function createRetryPolicy(
  options: Partial<RetryOptions> = {},
  random: () => number = Math.random,
): RetryPolicy {
  const { maxRetries, initialDelayMs, maxDelayMs, jitter } = resolveRetryOptions(options);
  return {
    delayMs(error, { attempts, idempotent, remainingMs }) {
      if (attempts > maxRetries) return undefined;
      const advice = adviceOf(error);
      if (advice === "never" || (advice === "if-idempotent" && !idempotent)) return undefined;
      const { retryAfterMs = 0 } = error;
      if (retryAfterMs > maxDelayMs) return undefined;
      if (isStaleAgreement(error)) {
        // What heals it is a new handshake, not time. Twice in a row it is no accident.
        return attempts === 1 && remainingMs > 0 ? 0 : undefined;
      }
      const capMs = Math.min(maxDelayMs, initialDelayMs * 2 ** (attempts - 1));
      const backoffMs = jitter === "full" ? random() * capMs : (0.5 + random() / 2) * capMs;
      // On top of what the server asks for: those it sent away together must not come back together.
      const delayMs = retryAfterMs + backoffMs;
      return delayMs < remainingMs ? delayMs : undefined;
    },
  };
}

/**
 * Completes the options.
 * @throws {TypeError} that names the option.
 */
function resolveRetryOptions(given: Partial<RetryOptions>): RetryOptions {
  checkMembers(SUBJECT, given, Object.keys(DEFAULTS));
  const options = { ...DEFAULTS, ...given };
  const { maxRetries, initialDelayMs, maxDelayMs, jitter } = options;
  if (!Number.isSafeInteger(maxRetries) || maxRetries < 0) {
    throw new TypeError(
      `${SUBJECT}: option "maxRetries" must be a whole number of 0 or more, not ${String(maxRetries)}`,
    );
  }
  wholeNumber(SUBJECT, "initialDelayMs", initialDelayMs);
  wholeNumber(SUBJECT, "maxDelayMs", maxDelayMs);
  if (maxDelayMs < initialDelayMs) {
    throw new TypeError(
      `${SUBJECT}: option "maxDelayMs" (${maxDelayMs}) must not be less than "initialDelayMs" (${initialDelayMs})`,
    );
  }
  if (jitter !== "full" && jitter !== "equal") {
    throw new TypeError(
      `${SUBJECT}: option "jitter" must be "full" or "equal", not ${JSON.stringify(jitter)}`,
    );
  }
  return options;
}

function adviceOf(error: MCPError | MCPClientError): RetryAdvice {
  if (MCPClientError.isInstance(error)) return LOCAL.has(error.code) ? "never" : error.retry;
  return MCPError.isInstance(error) ? (BY_ERROR_CODE.get(error.code) ?? "never") : "never";
}

/** What was settled with the server no longer holds; the next attempt settles it anew. */
function isStaleAgreement(error: MCPError | MCPClientError): boolean {
  return error.code === "session_lost" || error.code === ErrorCode.unsupportedProtocolVersion;
}
