import { expect } from "vitest";
import type { Exchange } from "../../protocol/harness/http.ts";
import type { WireError } from "../../protocol/harness/messages.ts";

/** The named 503: code, reason and, twice, when to come again. */
export function expectRefused(answer: Exchange, reason: "draining" | "overloaded"): void {
  expect(answer.status).toBe(503);
  expect(answer.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
  expectUnavailable(answer.message?.error, reason);
}

/** The same where the status was sent before: in a stream, or over stdio. */
export function expectUnavailable(
  error: WireError | undefined,
  reason: "draining" | "overloaded",
): void {
  expect(error).toMatchObject({ code: -1503, data: { reason } });
  expect(error?.data?.["retryAfterMs"]).toEqual(expect.any(Number));
  expect(error?.message).toContain(reason);
}
