import { ErrorCode, filledNumbers, MCPError } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { ReconnectOptions } from "../http/http-options.ts";
import type { FeedError } from "./feed.ts";

/** How a subscription comes back after a loss. Whole numbers of 1 or more. */
export interface ResubscribeOptions extends ReconnectOptions {
  /** Attempts in a row that may fail before the subscription is `exhausted`. Default 30; `Infinity` for any number. */
  readonly maxAttempts: number;
  /** First wait in milliseconds, half of it jitter; it doubles each time. Default 500. */
  readonly initialDelayMs: number;
  /** Longest wait of its own choice, in milliseconds. Default 30,000. */
  readonly maxDelayMs: number;
  /** Longest time in milliseconds without the stream before it is `exhausted`. Default 900,000; `Infinity` for any. */
  readonly budgetMs: number;
  /** A stream that was open for this long in milliseconds has its whole budget again when it is lost. Default 30,000. */
  readonly stableMs: number;
  /** Longest time to an acknowledgement, in milliseconds. Default 10,000. */
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

/** Members that may have no end. */
const ENDLESS: readonly string[] = [
  "maxAttempts",
  "budgetMs",
] satisfies (keyof ResubscribeOptions)[];

/** @throws {TypeError} that names the option and what it takes. */
export function resolveResubscribe(
  subject: string,
  given: Partial<ResubscribeOptions> = {},
): ResubscribeOptions {
  const isEndless = ([member, value]: [string, unknown]): boolean =>
    value === Number.POSITIVE_INFINITY && ENDLESS.includes(member);
  const bounded = Object.fromEntries(Object.entries(given).filter((each) => !isEndless(each)));
  return { ...filledNumbers(subject, "resubscribe", DEFAULT_RESUBSCRIBE, bounded), ...given };
}

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
