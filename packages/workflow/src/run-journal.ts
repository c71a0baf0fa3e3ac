import type { JsonObject, JsonValue } from "@backplane/protocol";

/** One thing that a run wrote down. Everything in it is JSON. */
export type JournalEntry =
  | {
      readonly type: "run_started";
      /** Milliseconds since the epoch, here and in the other entries. */
      readonly atMs: number;
      readonly workflow: string;
      /** The ids of its nodes. */
      readonly nodes: readonly string[];
      /** A digest of nodes and connections: a run goes on in the graph in which it was begun, or not at all. */
      readonly graph: string;
      /** A digest of the parameters. */
      readonly parameters: string;
    }
  | { readonly type: "node_started"; readonly atMs: number; readonly node: string }
  | {
      readonly type: "node_completed";
      readonly atMs: number;
      readonly node: string;
      readonly outputs: JsonObject;
    }
  | {
      readonly type: "node_failed";
      readonly atMs: number;
      readonly node: string;
      readonly failure: JsonObject;
    }
  | { readonly type: "node_waiting"; readonly atMs: number; readonly node: string }
  | {
      readonly type: "memo";
      readonly atMs: number;
      readonly key: string;
      readonly value: JsonValue | undefined;
    }
  | { readonly type: "run_ended"; readonly atMs: number; readonly status: string };

/**
 * Where runs write down what they did, so that it survives their process. An entry whose `append` has resolved is
 * there after a crash; one that was being written may be missing, and is never half there. One process at a time
 * works on a run: two that do are not kept apart.
 */
export interface RunJournal {
  /** Adds an entry at the end of a run's. */
  append(runId: string, entry: JournalEntry): Promise<void>;
  /** The entries of a run in their order; none for an unknown one. */
  read(runId: string): Promise<readonly JournalEntry[]>;
  /** The ids of the runs whose last entry is no `run_ended`, or one that says `waiting`. */
  unfinished(): Promise<readonly string[]>;
  /** Forgets a run. */
  remove(runId: string): Promise<void>;
}

/** Whether an entry ends its run for good: a run that waits for its client's answer goes on. */
export function endsRun(entry: JournalEntry | undefined): boolean {
  return entry?.type === "run_ended" && entry.status !== "waiting";
}
