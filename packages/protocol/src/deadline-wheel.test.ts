import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type DeadlineEntry, DeadlineWheel } from "./deadline-wheel.ts";
import { createFakeClock, type FakeClock } from "./test-suite/index.ts";

/** Two ticks: how late a deadline may be. */
const LATE_MS = 128;

const UNWATCHED = {
  wheelTouchedAtMs: 0,
  wheelSlot: -1,
  wheelNext: undefined,
  wheelPrevious: undefined,
};

interface Watched extends DeadlineEntry {
  readonly fired: { which: string; limitMs: number; atMs: number }[];
}

function entry(clock: FakeClock, idleMs: number, totalMs: number): Watched {
  const fired: Watched["fired"] = [];
  return {
    idleMs,
    totalMs,
    startedAtMs: clock.now(),
    onDeadline: (which, limitMs) => fired.push({ which, limitMs, atMs: clock.now() }),
    fired,
    ...UNWATCHED,
  };
}

describe("DeadlineWheel", () => {
  it("fires the idle limit once, neither early nor late", () => {
    const clock = createFakeClock(1_000_003);
    const wheel = new DeadlineWheel(clock);
    const call = entry(clock, 500, 10_000);
    wheel.add(call);
    clock.advance(499);
    expect(call.fired).toEqual([]);
    clock.advance(1 + LATE_MS);
    expect(call.fired).toEqual([{ which: "idle", limitMs: 500, atMs: expect.any(Number) }]);
    clock.advance(60_000);
    expect(call.fired).toHaveLength(1);
    expect(wheel.size).toBe(0);
  });

  it("progress resets the idle limit, the total limit stays", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const call = entry(clock, 500, 2_000);
    wheel.add(call);
    for (let n = 0; n < 6; n++) {
      clock.advance(300);
      wheel.touch(call);
      expect(call.fired).toEqual([]);
    }
    clock.advance(200 + LATE_MS);
    expect(call.fired).toEqual([{ which: "total", limitMs: 2_000, atMs: expect.any(Number) }]);
  });

  it("holds limits of more than a revolution", () => {
    const clock = createFakeClock(77);
    const wheel = new DeadlineWheel(clock);
    const call = entry(clock, Number.POSITIVE_INFINITY, 3_600_000);
    wheel.add(call);
    clock.advance(3_599_999);
    expect(call.fired).toEqual([]);
    clock.advance(1 + LATE_MS);
    expect(call.fired).toHaveLength(1);
  });

  it("a removed call never fires; removal is idempotent, also before add", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const call = entry(clock, 100, 100);
    wheel.remove(call);
    wheel.add(call);
    wheel.add(call);
    expect(wheel.size).toBe(1);
    wheel.remove(call);
    wheel.remove(call);
    expect(wheel.size).toBe(0);
    clock.advance(10_000);
    expect(call.fired).toEqual([]);
  });

  it("a call without limits is not watched", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    wheel.add(entry(clock, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY));
    expect(wheel.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("has one timer however many calls there are, and none once they are gone", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    expect(clock.pendingTimers).toBe(0);
    const calls = Array.from({ length: 1_000 }, () => entry(clock, 5_000, 5_000));
    for (const call of calls) wheel.add(call);
    expect(clock.pendingTimers).toBe(1);
    for (const call of calls) wheel.remove(call);
    clock.advance(64);
    expect(clock.pendingTimers).toBe(0);
  });

  it("makes no timer per call when calls follow one another", () => {
    const clock = createFakeClock(0);
    const after = vi.spyOn(clock, "after");
    const wheel = new DeadlineWheel(clock);
    for (let n = 0; n < 100; n++) {
      const call = entry(clock, 5_000, 5_000);
      wheel.add(call);
      wheel.remove(call);
    }
    expect(after).toHaveBeenCalledTimes(1);
  });

  it("catches up after the process stood still", () => {
    const clock = createFakeClock(0);
    let run: (() => void) | undefined;
    let nowMs = 0;
    const wheel = new DeadlineWheel({
      now: () => nowMs,
      after: (_, callback) => {
        run = callback;
        return () => {
          run = undefined;
        };
      },
    });
    const calls = [100, 5_000, 40_000, 200_000].map((ms) => entry(clock, ms, 1e9));
    for (const call of calls) {
      call.startedAtMs = 0;
      wheel.add(call);
    }
    nowMs = 100_000;
    run?.();
    expect(calls.map((call) => call.fired.length)).toEqual([1, 1, 1, 0]);
    nowMs = 200_100;
    run?.();
    expect(calls[3]?.fired).toHaveLength(1);
  });

  it("a pause stops both clocks until as many resume; progress during it changes nothing", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const call = entry(clock, 500, 2_000);
    wheel.add(call);
    clock.advance(400);
    wheel.pause(call);
    wheel.pause(call);
    expect(wheel.size).toBe(0);
    clock.advance(50_000);
    wheel.touch(call);
    wheel.resume(call);
    clock.advance(50_000);
    expect(call.fired).toEqual([]);
    wheel.resume(call);
    wheel.resume(call);
    expect(wheel.size).toBe(1);
    for (let n = 0; n < 4; n++) {
      clock.advance(390);
      wheel.touch(call);
    }
    expect(call.fired).toEqual([]);
    clock.advance(40 + LATE_MS);
    expect(call.fired).toEqual([{ which: "total", limitMs: 2_000, atMs: expect.any(Number) }]);
  });

  it("resumes no call that was never watched or has been removed", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const unbounded = entry(clock, 0, 0);
    wheel.pause(unbounded);
    wheel.resume(unbounded);
    const ended = entry(clock, 100, 100);
    wheel.add(ended);
    wheel.pause(ended);
    wheel.remove(ended);
    wheel.resume(ended);
    clock.advance(10_000);
    expect(wheel.size).toBe(0);
    expect([unbounded.fired, ended.fired]).toEqual([[], []]);
  });

  it("a callback may remove, add and close", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const later = entry(clock, 300, 300);
    const calls = Array.from({ length: 4 }, () => entry(clock, 100, 100));
    for (const call of calls) {
      call.onDeadline = () => {
        call.fired.push({ which: "idle", limitMs: 0, atMs: 0 });
        for (const other of calls) wheel.remove(other);
        wheel.add(later);
      };
      wheel.add(call);
    }
    clock.advance(100 + LATE_MS);
    expect(calls.filter((call) => call.fired.length > 0)).toHaveLength(1);
    expect(wheel.size).toBe(1);
    later.onDeadline = () => wheel.close();
    clock.advance(300 + LATE_MS);
    expect(wheel.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("a callback that throws keeps no other call from its deadline", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const calls = Array.from({ length: 3 }, () => entry(clock, 100, 100));
    for (const call of calls) wheel.add(call);
    (calls[1] as Watched).onDeadline = () => {
      throw new Error("planted");
    };
    expect(() => clock.advance(500)).toThrow("planted");
    expect(calls.map((call) => call.fired.length)).toEqual([1, 0, 1]);
    expect(wheel.size).toBe(0);
  });

  it("close forgets calls without firing, and the wheel can be used again", () => {
    const clock = createFakeClock(0);
    const wheel = new DeadlineWheel(clock);
    const call = entry(clock, 100, 100);
    wheel.add(call);
    wheel.close();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(1_000);
    expect(call.fired).toEqual([]);
    call.startedAtMs = clock.now();
    wheel.add(call);
    clock.advance(100 + LATE_MS);
    expect(call.fired).toHaveLength(1);
  });

  it("runs on the machine's monotonic clock by default", async () => {
    const wheel = new DeadlineWheel();
    const which = await new Promise((resolve) => {
      wheel.add({
        idleMs: 20,
        totalMs: 60_000,
        startedAtMs: wheel.now(),
        onDeadline: resolve,
        ...UNWATCHED,
      });
    });
    expect(which).toBe("idle");
    wheel.close();
  });

  it("agrees with a model: each call fires when the nearer of its limits has passed", () => {
    const step = fc.record({
      act: fc.constantFrom("add", "remove", "touch", "wait"),
      pick: fc.nat(),
      idleMs: fc.integer({ min: 0, max: 50_000 }),
      totalMs: fc.integer({ min: 0, max: 90_000 }),
      waitMs: fc.integer({ min: 0, max: 45_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(1e6), (steps, startMs) => {
        const clock = createFakeClock(startMs);
        const wheel = new DeadlineWheel(clock);
        const model: { call: Watched; dueMs: number; watched: boolean }[] = [];
        const settle = (): void => {
          for (const item of model) {
            if (!item.watched) continue;
            const first = item.call.fired[0];
            if (first !== undefined) {
              expect(first.atMs).toBeGreaterThanOrEqual(item.dueMs);
              expect(first.atMs).toBeLessThanOrEqual(item.dueMs + LATE_MS);
              item.watched = false;
            } else {
              expect(clock.now()).toBeLessThanOrEqual(item.dueMs + LATE_MS);
            }
          }
        };
        for (const { act, pick, idleMs, totalMs, waitMs } of steps) {
          const item = model[pick % Math.max(1, model.length)];
          if (act === "wait") clock.advance(waitMs);
          settle();
          if (act === "add") {
            const call = entry(clock, idleMs, totalMs);
            wheel.add(call);
            const dueMs = clock.now() + Math.min(idleMs, totalMs);
            model.push({ call, dueMs, watched: true });
          } else if (item?.watched && act === "remove") {
            wheel.remove(item.call);
            item.watched = false;
          } else if (item?.watched && act === "touch") {
            wheel.touch(item.call);
            const call = item.call;
            item.dueMs = Math.min(clock.now() + call.idleMs, call.startedAtMs + call.totalMs);
          }
        }
        expect(wheel.size).toBe(model.filter((item) => item.watched).length);
        clock.advance(200_000);
        settle();
        for (const { call } of model) expect(call.fired.length).toBeLessThanOrEqual(1);
        expect(wheel.size).toBe(0);
      }),
    );
  });
});
