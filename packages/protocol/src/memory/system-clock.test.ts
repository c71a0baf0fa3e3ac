import { describe, expect, it, vi } from "vitest";
import { systemClock } from "./system-clock.ts";

describe("systemClock", () => {
  it("tells the machine's time", () => {
    const before = Date.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  });

  it("calls once, and not after cancellation", async () => {
    let calls = 0;
    systemClock.after(1, () => calls++);
    systemClock.after(1, () => (calls += 10))();
    await new Promise<void>((resolve) => setTimeout(resolve, 40));
    expect(calls).toBe(1);
  });

  it("waits out a delay that setTimeout cannot hold", () => {
    vi.useFakeTimers();
    try {
      let ran = false;
      const days = 24 * 3_600_000;
      systemClock.after(30 * days, () => {
        ran = true;
      });
      vi.advanceTimersByTime(29 * days);
      expect(ran).toBe(false);
      vi.advanceTimersByTime(1 * days);
      expect(ran).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it("does not keep a process alive", () => {
    const timer = vi.spyOn(globalThis, "setTimeout");
    try {
      systemClock.after(3_600_000, () => {})();
      const made = timer.mock.results[0]?.value as NodeJS.Timeout;
      expect(made.hasRef()).toBe(false);
    } finally {
      timer.mockRestore();
    }
  });
});
