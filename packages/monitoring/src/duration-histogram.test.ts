import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DURATION_BOUNDS_S, DurationHistogram } from "./duration-histogram.ts";

const durations = fc.array(fc.double({ min: 0, max: 2_000_000, noNaN: true }), { minLength: 1 });

function filled(values: readonly number[]): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe("DurationHistogram", () => {
  it("is empty at first", () => {
    const { count, averageMs, minMs, maxMs, p99Ms } = new DurationHistogram().summary();
    expect([count, averageMs, minMs, maxMs, p99Ms]).toEqual([0, 0, 0, 0, 0]);
  });

  it("has each percentile within 1/32 of the duration that stands there", () => {
    const quantile = fc.constantFrom(0, 0.25, 0.5, 0.9, 0.95, 0.99, 1);
    fc.assert(
      fc.property(durations, quantile, (values, share) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] as number;
        const difference = Math.abs(filled(values).quantileMs(share) - exact);
        // Below 32 microseconds a bucket is one microsecond wide.
        expect(difference).toBeLessThanOrEqual(Math.max(exact / 32, 0.0005) + 1e-9);
      }),
    );
  });

  it("counts under each bound exactly what is no longer than it", () => {
    const near = fc
      .tuple(fc.constantFrom(...DURATION_BOUNDS_S), fc.constantFrom(-1e-6, 0, 1e-6))
      .map(([bound, step]) => bound * 1_000 * (1 + step));
    fc.assert(
      fc.property(fc.array(fc.oneof(near, fc.double({ min: 0, max: 4e6, noNaN: true }))), (all) => {
        const expected = [...DURATION_BOUNDS_S.map((bound) => bound * 1_000), Infinity].map(
          (bound) => all.filter((value) => value <= bound).length,
        );
        expect(filled(all).cumulative()).toEqual(expected);
      }),
    );
  });

  it("keeps count, sum, least and most exactly", () => {
    const { count, averageMs, minMs, maxMs } = filled([1, 2, 6]).summary();
    expect({ count, averageMs, minMs, maxMs }).toEqual({
      count: 3,
      averageMs: 3,
      minMs: 1,
      maxMs: 6,
    });
  });

  it.each([
    [-5, 0],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [1e12, 1e12],
  ])("takes %d", (duration, maxMs) => {
    const histogram = filled([duration]);
    expect(histogram.summary()).toMatchObject({ count: 1, maxMs });
    expect(histogram.cumulative().at(-1)).toBe(1);
  });
});
