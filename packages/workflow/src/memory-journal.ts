import { checkMembers, wholeNumber } from "@backplane/protocol";
import { endsRun, type JournalEntry, type RunJournal } from "./run-journal.ts";

/** How much a journal in memory keeps. */
export interface MemoryJournalOptions {
  /** Runs that have ended and are kept; older ones go. Default 1,000. */
  readonly maxEndedRuns?: number;
  /** Runs that have not ended; a further one is refused. Default 10,000. */
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
  const ended = new Map<string, string[]>();
  return {
    async append(runId, entry) {
      const lines = open.get(runId) ?? ended.get(runId) ?? [];
      if (lines.length === 0 && open.size >= maxOpen) {
        throw new RangeError(`${SUBJECT}: ${maxOpen} runs have not ended (maxUnfinishedRuns)`);
      }
      lines.push(JSON.stringify(entry));
      open.delete(runId);
      ended.delete(runId);
      (endsRun(entry) ? ended : open).set(runId, lines);
      for (const oldest of ended.keys()) {
        if (ended.size <= maxEnded) break;
        ended.delete(oldest);
      }
    },
    async read(runId) {
      const lines = open.get(runId) ?? ended.get(runId) ?? [];
      return lines.map((line) => JSON.parse(line) as JournalEntry);
    },
    unfinished: async () => [...open.keys()],
    async remove(runId) {
      open.delete(runId);
      ended.delete(runId);
    },
  };
}
