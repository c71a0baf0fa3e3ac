import { describe, expect, it } from "vitest";
import { bodyKind, contentLength, joinedHeaders, retryAfterMs } from "./response-head.ts";

const NOW = Date.UTC(2026, 6, 28, 12, 0, 0);

describe("what is read of a response's headers", () => {
  it.each([
    ["application/json", "json"],
    ["Application/JSON;charset=utf-8", "json"],
    ["text/event-stream", "event-stream"],
    ["Text/Event-Stream ; charset=utf-8", "event-stream"],
    [["text/event-stream", "text/html"], "event-stream"],
    ["text/html", "other"],
    ["application/json-seq", "other"],
    ["", "other"],
    [undefined, "other"],
  ])("content-type %j is %s", (value, kind) => {
    expect(bodyKind({ "content-type": value })).toBe(kind);
  });

  it.each([
    ["12", 12],
    ["-1", undefined],
    ["1e3", undefined],
    [undefined, undefined],
  ])("content-length %j is %s", (value, length) => {
    expect(contentLength({ "content-length": value })).toBe(length);
  });

  it.each([
    ["0", 0],
    ["120", 120_000],
    [" 5 ", 5_000],
    ["Tue, 28 Jul 2026 12:00:30 GMT", 30_000],
    ["Tuesday, 28-Jul-26 12:00:30 GMT", 30_000],
    ["Tue Jul 28 12:00:30 2026 GMT", 30_000],
    ["Tue, 28 Jul 2026 11:00:00 GMT", 0],
    ["-5", undefined],
    ["1.5", undefined],
    ["2026-07-28", undefined],
    ["soon", undefined],
    ["Mon, nonsense", undefined],
    ["99999999999999999999", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("retry-after %j is %s ms", (value, ms) => {
    expect(retryAfterMs({ "retry-after": value }, NOW)).toBe(ms);
  });

  it("joins several values of a header", () => {
    expect(joinedHeaders({ a: "1", b: ["2", "3"], c: undefined })).toEqual({ a: "1", b: "2, 3" });
  });
});
