import { ErrorCode, MCPError } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MCPClientError } from "./errors.ts";
import { createRetryPolicy, type RetryOptions, type RetryState } from "./retry.ts";

const first: RetryState = { attempts: 1, idempotent: true, remainingMs: Number.POSITIVE_INFINITY };
const notIdempotent: RetryState = { ...first, idempotent: false };

function clientError(
  ...[code, options]: [
    ConstructorParameters<typeof MCPClientError>[0],
    ConstructorParameters<typeof MCPClientError>[2]?,
  ]
): MCPClientError {
  return new MCPClientError(code, "m", options);
}

describe("options of a retry policy", () => {
  it.each<[string, object, RegExp]>([
    ["an unknown one", { retries: 1 }, /unknown option "retries"; known: maxRetries/],
    ["negative retries", { maxRetries: -1 }, /"maxRetries" must be a whole number of 0 or more/],
    ["no delay", { initialDelayMs: 0 }, /"initialDelayMs" must be a whole number of 1 or more/],
    ["an endless delay", { maxDelayMs: Number.POSITIVE_INFINITY }, /"maxDelayMs".*not Infinity/],
    [
      "a longest delay below the first",
      { initialDelayMs: 50, maxDelayMs: 20 },
      /"maxDelayMs" \(20\) must not be less than "initialDelayMs" \(50\)/,
    ],
    ["an unknown jitter", { jitter: "none" }, /"jitter" must be "full" or "equal", not "none"/],
  ])("refuse %s, naming it", (_what, options, message) => {
    expect(() => createRetryPolicy(options as Partial<RetryOptions>)).toThrow(message);
  });
});

describe("a retry policy", () => {
  const policy = createRetryPolicy();

  it.each<[string, MCPError | MCPClientError]>([
    ["a connection that did not come about", clientError("connection_failed")],
    ["a session that the server forgot", clientError("session_lost")],
    ["a status that says so", clientError("http_status", { status: 503, retry: "always" })],
    ["a rate limit", new MCPError(ErrorCode.rateLimited, "m")],
    ["a server that drains", new MCPError(ErrorCode.unavailable, "m")],
    [
      "a revision that is no longer spoken",
      new MCPError(ErrorCode.unsupportedProtocolVersion, "m"),
    ],
  ])("repeats any request after %s", (_what, error) => {
    expect(policy.delayMs(error, notIdempotent)).toBeGreaterThanOrEqual(0);
  });

  it.each<[string, MCPError | MCPClientError]>([
    ["a connection that broke", clientError("connection_lost")],
    ["a timeout", clientError("timeout")],
    ["the server's own deadline", new MCPError(ErrorCode.deadlineExceeded, "m")],
  ])("repeats only idempotent requests after %s", (_what, error) => {
    expect(policy.delayMs(error, notIdempotent)).toBeUndefined();
    expect(policy.delayMs(error, first)).toBeGreaterThanOrEqual(0);
  });

  it.each<[string, MCPError | MCPClientError]>([
    ["the caller's signal", clientError("aborted")],
    ["an open circuit", clientError("circuit_open", { retryAfterMs: 5 })],
    ["a full bulkhead", clientError("overloaded")],
    ["a pool without a free connection", clientError("acquire_timeout")],
    ["a closed client", clientError("closed")],
    ["missing credentials", clientError("unauthorized")],
    ["a wrong answer", clientError("invalid_response")],
    ["invalid params", new MCPError(ErrorCode.invalidParams, "m")],
    ["an internal error", new MCPError(ErrorCode.internalError, "m")],
    ["a tool's own code", new MCPError(-2001, "m", { retryAfterMs: 5 })],
  ])("repeats nothing after %s", (_what, error) => {
    expect(policy.delayMs(error, first)).toBeUndefined();
  });

  it("settles a stale agreement anew at once, and only once", () => {
    for (const error of [
      clientError("session_lost"),
      new MCPError(ErrorCode.unsupportedProtocolVersion, "m"),
    ]) {
      expect(policy.delayMs(error, first)).toBe(0);
      expect(policy.delayMs(error, { ...first, attempts: 2 })).toBeUndefined();
      expect(policy.delayMs(error, { ...first, remainingMs: 0 })).toBeUndefined();
    }
  });

  it("makes no retry where none is allowed", () => {
    const never = createRetryPolicy({ maxRetries: 0 });
    expect(never.delayMs(clientError("connection_failed"), first)).toBeUndefined();
  });

  it("keeps half of the delay with equal jitter", () => {
    const error = clientError("connection_failed");
    const lowest = createRetryPolicy({ initialDelayMs: 100, jitter: "equal" }, () => 0);
    expect(lowest.delayMs(error, first)).toBe(50);
    expect(lowest.delayMs(error, { ...first, attempts: 3 })).toBe(200);
    const full = createRetryPolicy({ initialDelayMs: 100 }, () => 0);
    expect(full.delayMs(error, first)).toBe(0);
  });

  it("waits within its bounds, never less than the server asks, never past the budget", () => {
    fc.assert(
      fc.property(
        fc.record({
          maxRetries: fc.nat({ max: 8 }),
          initialDelayMs: fc.integer({ min: 1, max: 1_000 }),
          growth: fc.nat({ max: 60_000 }),
          jitter: fc.constantFrom("full" as const, "equal" as const),
          attempts: fc.integer({ min: 1, max: 80 }),
          remainingMs: fc.oneof(fc.nat({ max: 100_000 }), fc.constant(Number.POSITIVE_INFINITY)),
          retryAfterMs: fc.option(fc.nat({ max: 100_000 }), { nil: undefined }),
          random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        }),
        ({ growth, attempts, remainingMs, retryAfterMs, random, ...options }) => {
          const maxDelayMs = options.initialDelayMs + growth;
          const bounded = createRetryPolicy({ ...options, maxDelayMs }, () => random);
          const error = clientError("connection_failed", { retryAfterMs });
          const delayMs = bounded.delayMs(error, { attempts, idempotent: false, remainingMs });
          const askedMs = retryAfterMs ?? 0;
          if (attempts > options.maxRetries || askedMs > maxDelayMs || askedMs >= remainingMs) {
            expect(delayMs).toBeUndefined();
          } else if (delayMs === undefined) {
            expect(remainingMs).toBeLessThanOrEqual(askedMs + maxDelayMs);
          } else {
            expect(delayMs).toBeGreaterThanOrEqual(askedMs);
            expect(delayMs).toBeLessThanOrEqual(askedMs + maxDelayMs);
            expect(delayMs).toBeLessThan(remainingMs);
          }
        },
      ),
    );
  });
});
