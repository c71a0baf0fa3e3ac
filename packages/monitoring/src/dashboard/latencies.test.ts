import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Latencies } from "./latencies.ts";

const durations = fc.array(fc.double({ min: 0.01, max: 150_000, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
});

describe("percentiles", () => {
  it("are within a bucket of the duration that stands there, also of several together", () => {
    fc.assert(
      fc.property(durations, durations, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, q) => {
        const [first, second] = [new Latencies(), new Latencies()];
        for (const ms of a) first.record(ms);
        for (const ms of b) second.record(ms);
        first.add(second);
        const sorted = [...a, ...b].sort((x, y) => x - y);
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
        const found = first.quantileMs(q);
        // Half a bucket: a sixteenth of a power of two.
        expect(Math.abs(Math.log2(found / exact))).toBeLessThanOrEqual(1 / 16 + 1e-9);
        expect(first.rows().reduce((sum, [, count]) => sum + count, 0)).toBe(sorted.length);
      }),
    );
  });

  it("take what is no duration for the shortest, and what has no end for the longest", () => {
    const latencies = new Latencies();
    for (const ms of [Number.NaN, -1, 0]) latencies.record(ms);
    expect(latencies.rows()).toEqual([[0, 3]]);
    latencies.record(Number.POSITIVE_INFINITY);
    expect(latencies.rows()).toEqual([
      [0, 3],
      [47, 1],
    ]);
    latencies.clear();
    expect([latencies.count, latencies.quantileMs(0.5), latencies.rows()]).toEqual([0, 0, []]);
  });
});
