import type { Clock } from "../seams/clock.ts";

/** `setTimeout` fires at once for a longer delay than this (Node and browsers alike). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's time. Its timers never keep a Node process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    let timer: unknown;
    const arm = (remainingMs: number): void => {
      const stepMs = Math.min(remainingMs, MAX_TIMER_MS);
      timer = setTimeout(
        () => (remainingMs > stepMs ? arm(remainingMs - stepMs) : callback()),
        stepMs,
      );
      unref(timer);
    };
    arm(delayMs);
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};

/** For deadlines and ages: a corrected wall clock must neither end anything nor keep it alive. */
export const monotonicClock: Pick<Clock, "now" | "after"> = {
  now: () => performance.now(),
  after: systemClock.after,
};

// Web runtimes hand out a number, which has nothing to release.
function unref(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref(): void }).unref();
  }
}
