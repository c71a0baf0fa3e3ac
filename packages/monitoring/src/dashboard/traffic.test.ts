import type { RequestEndEvent } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { Traffic, WINDOW_S } from "./traffic.ts";

function ended(second: number, outcome = "ok", method = "tools/call"): RequestEndEvent {
  const context = { method };
  return { startedAtMs: second * 1_000, durationMs: 10, outcome, context } as RequestEndEvent;
}

describe("seconds of traffic", () => {
  it("are told once each, and errors apart", () => {
    const traffic = new Traffic();
    for (const outcome of ["ok", "tool_error", "error", "cancelled"]) {
      traffic.record(ended(1_000, outcome));
    }
    traffic.record(ended(1_002));
    expect(traffic.since(0, 1_002)).toMatchObject([{ second: 1_000, requests: 4, errors: 2 }]);
    expect(traffic.since(1_001, 1_003)).toMatchObject([{ second: 1_002, requests: 1, errors: 0 }]);
    expect(traffic.figures(1_003)).toMatchObject({ requests: 5, errorRate: 0.4 });
  });

  it("are forgotten when their place is needed again", () => {
    const traffic = new Traffic();
    for (let second = 1_000; second < 1_000 + WINDOW_S * 3; second++) traffic.record(ended(second));
    const now = 1_000 + WINDOW_S * 3;
    expect(traffic.since(0, now).map(({ second }) => second)).toEqual(
      Array.from({ length: WINDOW_S }, (_, index) => now - WINDOW_S + index),
    );
    expect(traffic.figures(now).requests).toBe(60);
    expect(traffic.since(0, now + WINDOW_S * 2)).toEqual([]);
  });

  it("do not count what lasts as long as its client likes as slow", () => {
    const traffic = new Traffic();
    traffic.record(ended(1_000, "ok", "subscriptions/listen"));
    expect(traffic.since(0, 1_001)).toMatchObject([{ requests: 1, p99Ms: 0, rows: [] }]);
  });
});
