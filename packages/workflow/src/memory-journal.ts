import { checkMembers, wholeNumber } from "@backplane/protocol";
import { endsRun, type JournalEntry, type RunJournal } from "./run-journal.ts";

/** How much a journal in memory keeps. */
export interface MemoryJournalOptions {
  /** Runs that have ended and are kept; older ones go. Default 1,000. */
  readonly maxEndedRuns?: number;
  /**
   * Runs that have not ended. A further one takes the place of the one that has waited longest for its client, who may
   * never answer; it is refused when none waits. Default 10,000.
   */
  readonly maxUnfinishedRuns?: number;
}

const SUBJECT = "createMemoryJournal";

/**
 * A journal for one process: for tests, and for workflows served as tools by a single process. It ends with its process,
 * so it knows nothing of a crash.
 * @throws {TypeError} that names the option.
 */
export function createMemoryJournal(options: MemoryJournalOptions = {}): RunJournal {
  checkMembers(SUBJECT, options, ["maxEndedRuns", "maxUnfinishedRuns"]);
  const maxEnded = wholeNumber(SUBJECT, "maxEndedRuns", options.maxEndedRuns ?? 1_000);
  const maxOpen = wholeNumber(SUBJECT, "maxUnfinishedRuns", options.maxUnfinishedRuns ?? 10_000);
  // Serialised, so that what works here works with a store elsewhere.
  const open = new Map<string, string[]>();
  const waiting = new Map<string, string[]>();
  const ended = new Map<string, string[]>();
  const states = [open, waiting, ended];
  const linesOf = (runId: string): string[] =>
    states.map((runs) => runs.get(runId)).find((lines) => lines !== undefined) ?? [];
  const forget = (runId: string): void => {
    for (const runs of states) runs.delete(runId);
  };
  const makeRoom = (): void => {
    if (open.size + waiting.size < maxOpen) return;
    const [longest] = waiting.keys();
    if (longest === undefined) {
      throw new RangeError(`${SUBJECT}: ${maxOpen} runs have not ended (maxUnfinishedRuns)`);
    }
    waiting.delete(longest);
  };
  return {
    async append(runId, entry) {
      const lines = linesOf(runId);
      if (lines.length === 0) makeRoom();
      lines.push(JSON.stringify(entry));
      forget(runId);
      const state = endsRun(entry) ? ended : entry.type === "run_ended" ? waiting : open;
      state.set(runId, lines);
      for (const oldest of ended.keys()) {
        if (ended.size <= maxEnded) break;
        ended.delete(oldest);
      }
    },
    async read(runId) {
      return linesOf(runId).map((line) => JSON.parse(line) as JournalEntry);
    },
    unfinished: async () => [...open.keys(), ...waiting.keys()],
    async remove(runId) {
      forget(runId);
    },
  };
}
