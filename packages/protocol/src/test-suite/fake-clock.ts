import type { Clock } from "../seams/clock.ts";

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves time by `ms` and runs the timers that come due, in their order, each at its own time. */
  advance(ms: number): void;
  /** Timers that wait now. */
  readonly pendingTimers: number;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A {@link FakeClock} that begins at `startMs` (default: 1 January 2026, UTC). */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer: Timer = { atMs: nowMs + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`FakeClock: advance by ${ms} ms would turn time back`);
      const endMs = nowMs + ms;
      for (let timer = earliest(timers); timer !== undefined; timer = earliest(timers)) {
        if (timer.atMs > endMs) break;
        timers.delete(timer);
        nowMs = timer.atMs;
        timer.callback();
      }
      nowMs = endMs;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}

// A set keeps insertion order, so that timers of the same time run in the order they were set.
function earliest(timers: ReadonlySet<Timer>): Timer | undefined {
  let found: Timer | undefined;
  for (const timer of timers) if (found === undefined || timer.atMs < found.atMs) found = timer;
  return found;
}
