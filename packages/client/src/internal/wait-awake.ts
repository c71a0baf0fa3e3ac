import type { Clock } from "@backplane/protocol";

/**
 * Calls `callback` after a while. Unlike `Clock.after` this keeps the process alive: somebody awaits what
 * follows, and a process that ended meanwhile would lose it without a word.
 * @returns its cancellation.
 */
export function waitAwake(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

/** The longest interval that a timer takes: it only has to exist. */
const HOLD_MS = 2 ** 31 - 1;

/** A clock whose timers keep the process alive as `waitAwake` does. */
export function keepAwake(clock: Pick<Clock, "after">): Pick<Clock, "after"> {
  return {
    after(delayMs, callback) {
      const hold = setInterval(() => {}, HOLD_MS);
      const cancel = clock.after(delayMs, () => {
        clearInterval(hold);
        callback();
      });
      return () => {
        clearInterval(hold);
        cancel();
      };
    },
  };
}
