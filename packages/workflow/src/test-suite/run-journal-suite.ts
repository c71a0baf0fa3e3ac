import type { SuiteRunner } from "@backplane/protocol/test-suite";
import type { JournalEntry, RunJournal } from "../run-journal.ts";

const STARTED: JournalEntry = {
  type: "run_started",
  atMs: 1,
  workflow: "w",
  nodes: ["a"],
  graph: "g",
  parameters: "p",
};
const ended = (status: string): JournalEntry => ({ type: "run_ended", atMs: 9, status });

/** The contract of {@link RunJournal}. `makeJournal` returns an empty one. */
export function runJournalSuite(
  { describe, it, expect }: SuiteRunner,
  makeJournal: () => RunJournal | Promise<RunJournal>,
): void {
  describe("RunJournal", () => {
    it("gives back what was added, in order, run by run", async () => {
      const journal = await makeJournal();
      const entries: JournalEntry[] = [
        STARTED,
        { type: "node_started", atMs: 2, node: "a" },
        { type: "node_completed", atMs: 3, node: "a", outputs: { result: { x: ["ü\n", null] } } },
        { type: "memo", atMs: 4, key: "a:k", value: 5 },
      ];
      for (const entry of entries) await journal.append("run-1", entry);
      await journal.append("run_2", STARTED);
      expect(await journal.read("run-1")).toEqual(entries);
      expect(await journal.read("run_2")).toEqual([STARTED]);
    });

    it("keeps the order of entries that are added at once", async () => {
      const journal = await makeJournal();
      const nodes = Array.from({ length: 50 }, (_, index) => `n${index}`);
      const started = nodes.map((node): JournalEntry => ({ type: "node_started", atMs: 1, node }));
      await Promise.all(started.map((entry) => journal.append("run", entry)));
      expect(await journal.read("run")).toEqual(started);
    });

    it("holds values, not references", async () => {
      const journal = await makeJournal();
      const outputs = { result: [1] };
      await journal.append("run", { type: "node_completed", atMs: 1, node: "a", outputs });
      outputs.result.push(2);
      const [entry] = await journal.read("run");
      expect((entry as { outputs: object }).outputs).toEqual({ result: [1] });
    });

    it("tells which runs have not ended; one that waits has not", async () => {
      const journal = await makeJournal();
      for (const run of ["open", "waiting", "done", "failed", "again"]) {
        await journal.append(run, STARTED);
      }
      await journal.append("waiting", ended("waiting"));
      await journal.append("done", ended("completed"));
      await journal.append("failed", ended("failed"));
      await journal.append("again", ended("failed"));
      await journal.append("again", { type: "node_started", atMs: 10, node: "a" });
      expect([...(await journal.unfinished())].sort()).toEqual(["again", "open", "waiting"]);
      expect((await journal.read("done")).length).toBe(2);
      expect((await journal.read("again")).length).toBe(3);
    });

    it("forgets what is removed, and knows nothing of other ids", async () => {
      const journal = await makeJournal();
      await journal.append("gone", STARTED);
      await journal.remove("gone");
      await journal.remove("never");
      for (const id of ["gone", "never", "constructor", "__proto__"]) {
        expect(await journal.read(id)).toEqual([]);
      }
      expect(await journal.unfinished()).toEqual([]);
    });
  });
}
