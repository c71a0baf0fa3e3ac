// Processes that take turns on the measured core.
import { setTimeout as delay } from "node:timers/promises";

/** Long beside what a change of the process costs, short beside the changes of a shared machine. */
const TURN_MS = 50;
/** What a turn may take longer than it should: timers are late on a busy machine. */
const LATENESS_MS = 3;

/** How long so many turns of so many processes take at most, unless the machine hangs. */
export const turnsTakeMs = (processes, turns) => processes * turns * (TURN_MS + LATENESS_MS);

export const turnsIn = (seconds) => Math.round((seconds * 1000) / TURN_MS);

/** In an order drawn anew: who runs after whom finds more or less of its own in the caches. */
function shuffled(list) {
  const drawn = [...list];
  for (let last = drawn.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [drawn[last], drawn[other]] = [drawn[other], drawn[last]];
  }
  return drawn;
}

/**
 * Lets stopped processes run, each once in every turn, so many turns or until `performance.now()` is
 * `deadline`, and leaves them stopped. Resolves with the milliseconds that each has run.
 */
export async function takeTurns(processes, { turns, deadline = Number.POSITIVE_INFINITY }) {
  const ranMs = processes.map(() => 0);
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [index, { resume, pause }] of shuffled([...processes.entries()])) {
      const startedAt = performance.now();
      if (startedAt + TURN_MS + LATENESS_MS > deadline) return ranMs;
      resume();
      await delay(TURN_MS);
      pause();
      ranMs[index] += performance.now() - startedAt;
    }
  }
  return ranMs;
}
