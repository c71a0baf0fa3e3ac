/** What is put off to the end of a turn. Must not throw. */
export interface TurnEndJob {
  onTurnEnd(): void;
}

let jobs: TurnEndJob[] = [];

// Where there are no immediates, what has been read is all that can be waited for.
const schedule: (callback: () => void) => void =
  typeof setImmediate === "function" ? setImmediate : queueMicrotask;

/**
 * Puts a job off to the end of this turn of the event loop, when everything that has arrived is read. All jobs of a
 * turn run in one go: the same steps for many requests are faster than all steps for each.
 */
export function atTurnEnd(job: TurnEndJob): void {
  if (jobs.push(job) === 1) schedule(runJobs);
}

function runJobs(): void {
  const due = jobs;
  jobs = [];
  let begun = 0;
  try {
    for (const job of due) {
      begun++;
      job.onTurnEnd();
    }
  } finally {
    // One that throws after all ends the process, or is caught there: the others must not hang.
    for (const job of due.slice(begun)) atTurnEnd(job);
  }
}
