import { createFakeClock } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReconnectSchedule } from "./reconnect-schedule.ts";

const OPTIONS = { maxAttempts: 4, initialDelayMs: 100, maxDelayMs: 400, budgetMs: 10_000 };

function schedule(random = () => 0.5, options = OPTIONS) {
  const clock = createFakeClock();
  return { clock, schedule: new ReconnectSchedule(options, random, clock.now) };
}

describe("ReconnectSchedule", () => {
  it("doubles its wait up to the longest, and gives up after the attempts", () => {
    const { schedule: plan } = schedule(() => 0.999_999);
    const waits = Array.from({ length: 5 }, () => plan.next(undefined)).map(
      (ms) => ms && Math.round(ms),
    );
    expect(waits).toEqual([100, 200, 400, 400, undefined]);
  });

  it("spreads clients over half of the wait", () => {
    expect(schedule(() => 0).schedule.next(undefined)).toBe(50);
    expect(schedule(() => 0.5).schedule.next(undefined)).toBe(75);
  });

  it("waits exactly as asked before the first attempt, and at least that long later", () => {
    const { schedule: plan } = schedule();
    expect([plan.next(500), plan.next(500), plan.next(1), plan.next(0)]).toEqual([
      500, 500, 300, 300,
    ]);
  });

  it("asked for no wait again and again, keeps a floor that grows to a tenth of a second", () => {
    const { clock, schedule: plan } = schedule();
    const reopen = (askedMs: number, lastedMs = 0): number | undefined => {
      const waitMs = plan.next(askedMs);
      clock.advance((waitMs ?? 0) + lastedMs);
      // Each connection brings one event.
      plan.worked();
      return waitMs;
    };
    expect([0, 0, 0, 0, 0, 0, 50, 100].map((ms) => reopen(ms))).toEqual([
      10, 20, 40, 80, 100, 100, 100, 100,
    ]);
    expect([reopen(101), reopen(500, 1_000), reopen(0), reopen(0)]).toEqual([101, 500, 10, 20]);
  });

  it("begins anew when the stream has worked", () => {
    const { clock, schedule: plan } = schedule();
    for (let round = 0; round < 10; round++) {
      expect(plan.next(undefined)).toBe(75);
      clock.advance(5_000);
      plan.worked();
    }
  });

  it("gives up rather than wait past its budget", () => {
    const { clock, schedule: plan } = schedule();
    clock.advance(9_950);
    expect(plan.next(undefined)).toBeUndefined();
    expect(schedule().schedule.next(10_001)).toBeUndefined();
    expect(schedule().schedule.next(Number.POSITIVE_INFINITY)).toBeUndefined();
  });

  it("ends within its attempts and its budget, whatever is asked", () => {
    const asked = fc.array(fc.option(fc.nat(20_000), { nil: undefined }), {
      minLength: 10,
      maxLength: 10,
    });
    fc.assert(
      fc.property(asked, fc.double({ min: 0, max: 0.999, noNaN: true }), (all, random) => {
        const { clock, schedule: plan } = schedule(() => random);
        const startMs = clock.now();
        const waits = all.map((ms) => {
          const waitMs = plan.next(ms);
          clock.advance(waitMs ?? 0);
          return waitMs;
        });
        const made = waits.indexOf(undefined);
        expect(made).toBeLessThanOrEqual(OPTIONS.maxAttempts);
        expect(clock.now() - startMs).toBeLessThanOrEqual(OPTIONS.budgetMs);
      }),
      { numRuns: 200 },
    );
  });
});
