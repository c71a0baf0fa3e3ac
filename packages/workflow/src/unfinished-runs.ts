import type { JournalEntry, RunJournal } from "./run-journal.ts";

/** What is known of a run that never ended: of a process that was killed, or of a client that never answered. */
export interface UnfinishedRun {
  readonly runId: string;
  readonly workflow: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Of the last that it wrote down. */
  readonly lastSeenAtMs: number;
  /** Nodes that are done; their outputs are kept. */
  readonly completed: readonly string[];
  /** Nodes that had begun and not ended: whether they acted is unknown, and their outputs are lost. */
  readonly interrupted: readonly string[];
  readonly failed: readonly string[];
  /** Nodes that wait for the answer of the client. Nothing of them is lost. */
  readonly waiting: readonly string[];
  /** Nodes that had not begun. Nothing of them is lost. */
  readonly notStarted: readonly string[];
}

const LISTS = {
  node_started: "interrupted",
  node_completed: "completed",
  node_failed: "failed",
  node_waiting: "waiting",
} as const;

/**
 * The runs that a journal holds and that have not ended. To be asked when a process starts, before it begins runs of its
 * own: what runs at this moment has not ended either. `workflow.run(parameters, { journal, runId })` goes on with one.
 */
export async function unfinishedRuns(journal: RunJournal): Promise<readonly UnfinishedRun[]> {
  const ids = await journal.unfinished();
  const runs = await Promise.all(
    ids.map(async (runId) => describeRun(runId, await journal.read(runId))),
  );
  return runs.filter((run) => run !== undefined).sort((a, b) => a.startedAtMs - b.startedAtMs);
}

function describeRun(runId: string, entries: readonly JournalEntry[]): UnfinishedRun | undefined {
  const [first] = entries;
  if (first?.type !== "run_started") return undefined;
  const lists = {
    completed: [] as string[],
    interrupted: [] as string[],
    failed: [] as string[],
    waiting: [] as string[],
  };
  const last = new Map<string, (typeof LISTS)[keyof typeof LISTS]>();
  for (const entry of entries) if ("node" in entry) last.set(entry.node, LISTS[entry.type]);
  const begun = new Set<string>();
  for (const [node, list] of last) {
    lists[list].push(node);
    // A node whose parts were written down has begun, though it is no entry itself.
    begun.add(node.split(/[/[]/, 1)[0] as string);
  }
  return {
    runId,
    workflow: first.workflow,
    startedAtMs: first.atMs,
    lastSeenAtMs: entries[entries.length - 1]?.atMs ?? first.atMs,
    ...lists,
    notStarted: first.nodes.filter((node) => !begun.has(node)),
  };
}
