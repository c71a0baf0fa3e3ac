import fc from "fast-check";
import { expect, it } from "vitest";
import { BoundedDurations, DURATION_BOUNDS_S } from "./bounded-durations.ts";

it("counts under each bound exactly what is no longer than it", () => {
  const near = fc
    .tuple(fc.constantFrom(...DURATION_BOUNDS_S), fc.constantFrom(-1e-9, 0, 1e-9))
    .map(([bound, step]) => bound * 1_000 * (1 + step));
  const any = fc.oneof(near, fc.double({ min: 0, max: 4e5, noNaN: true }));
  fc.assert(
    fc.property(fc.array(any), (all) => {
      const durations = new BoundedDurations();
      for (const one of all) durations.record(one);
      const bounds = [...DURATION_BOUNDS_S.map((bound) => bound * 1_000), Infinity];
      const expected = bounds.map((bound) => all.filter((one) => one <= bound).length);
      expect(durations.cumulative()).toEqual(expected);
      expect(durations.count).toBe(all.length);
    }),
  );
});
