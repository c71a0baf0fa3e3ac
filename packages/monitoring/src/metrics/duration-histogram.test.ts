import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DurationHistogram } from "./duration-histogram.ts";

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

  it("added to another is as if all had been counted there", () => {
    fc.assert(
      fc.property(durations, durations, (left, right) => {
        const sum = filled(left);
        sum.add(filled(right));
        const both = filled([...left, ...right]);
        expect(sum.buckets()).toEqual(both.buckets());
        expect(sum.summary()).toEqual({
          ...both.summary(),
          averageMs: expect.closeTo(both.summary().averageMs, 5),
        });
      }),
    );
  });

  it("shows each duration in the bucket that it lies in", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2_000_000, noNaN: true }), (duration) => {
        const [bucket] = filled([duration]).buckets();
        expect(bucket?.count).toBe(1);
        expect(bucket?.fromMs).toBeLessThanOrEqual(duration);
        expect(bucket?.toMs).toBeGreaterThan(duration);
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
  });
});
