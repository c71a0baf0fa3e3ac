import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RESTARTS, RestartBudget } from "./restart-budget.ts";

const options = { maxRestarts: 3, windowMs: 1_000, initialDelayMs: 100, maxDelayMs: 250 };

describe("RestartBudget", () => {
  it("the first start waits for nothing, each restart longer, and then there is none", () => {
    const budget = new RestartBudget(options, () => 1);
    const waits = [0, 1, 2, 3, 4].map(() => {
      const wait = budget.delayMs(0);
      budget.ended(0);
      return wait;
    });
    expect(waits).toEqual([0, 100, 200, 250, undefined]);
  });

  it("what lies outside the window counts no more", () => {
    const budget = new RestartBudget(options, () => 0);
    for (const at of [0, 100, 200, 300]) budget.ended(at);
    expect(budget.delayMs(999)).toBeUndefined();
    expect(budget.delayMs(1_000)).toBeDefined();
    expect(budget.delayMs(2_000)).toBe(0);
  });

  it("who comes later has waited already", () => {
    const budget = new RestartBudget(options, () => 1);
    budget.ended(0);
    expect(budget.delayMs(70)).toBe(30);
    expect(budget.delayMs(500)).toBe(0);
  });

  it("never lets more processes start within a window than it says, and waits within its bounds", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.double({ min: 0, max: 0.999, noNaN: true }), (gaps, random) => {
        const budget = new RestartBudget(DEFAULT_RESTARTS, () => random);
        const starts: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          const wait = budget.delayMs(now);
          if (wait === undefined) {
            now += gap;
            continue;
          }
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(DEFAULT_RESTARTS.maxDelayMs);
          now += wait;
          starts.push(now);
          // It crashes at once: the worst there is.
          budget.ended(now);
          now += gap;
        }
        for (const start of starts) {
          const within = starts.filter(
            (other) => other > start - DEFAULT_RESTARTS.windowMs && other <= start,
          );
          expect(within.length).toBeLessThanOrEqual(DEFAULT_RESTARTS.maxRestarts + 1);
        }
      }),
      { numRuns: 200 },
    );
  });
});
