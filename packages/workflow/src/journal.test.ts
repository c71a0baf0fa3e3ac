import { appendFile, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { WorkflowError } from "./errors.ts";
import { createMemoryJournal } from "./memory-journal.ts";
import { createFileJournal } from "./node/file-journal.ts";
import { FunctionNode } from "./nodes/function.ts";
import { MapNode } from "./nodes/map.ts";
import type { JournalEntry, RunJournal } from "./run-journal.ts";
import { runJournalSuite } from "./test-suite/run-journal-suite.ts";
import { unfinishedRuns } from "./unfinished-runs.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";

const folders: string[] = [];
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "journal-"));
  folders.push(path);
  return path;
}
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

describe("in memory", () => runJournalSuite({ describe, it, expect }, createMemoryJournal));
describe("in files", () =>
  runJournalSuite({ describe, it, expect }, async () =>
    createFileJournal({ directory: join(await folder(), "new") }),
  ));
describe("in files, synchronised", () =>
  runJournalSuite({ describe, it, expect }, async () =>
    createFileJournal({ directory: await folder(), sync: true }),
  ));

const started = (workflow = "w"): JournalEntry => ({
  ...{ type: "run_started", atMs: 1, workflow, nodes: ["a"], graph: "", parameters: "" },
});
const ENDED: JournalEntry = { type: "run_ended", atMs: 2, status: "completed" };

describe("journals are bounded", () => {
  it.each<[string, () => Promise<RunJournal>]>([
    ["in memory", async () => createMemoryJournal({ maxEndedRuns: 2 })],
    ["in files", async () => createFileJournal({ directory: await folder(), maxEndedRuns: 2 })],
  ])("%s: old ended runs go", async (_where, make) => {
    const journal = await make();
    for (const run of ["a", "b", "c", "d"]) {
      await journal.append(run, started());
      await journal.append(run, ENDED);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const kept = await Promise.all(["a", "b", "c", "d"].map((run) => journal.read(run)));
    expect(kept.map(({ length }) => length)).toEqual([0, 0, 2, 2]);
  });

  it("and memory refuses more runs than it may hold", async () => {
    const journal = createMemoryJournal({ maxUnfinishedRuns: 1 });
    await journal.append("a", started());
    await expect(journal.append("b", started())).rejects.toThrow(/maxUnfinishedRuns/);
    await journal.append("a", ENDED);
    await journal.append("b", started());
  });

  it("and a run that waits for a client who never answers keeps nobody out", async () => {
    const journal = createMemoryJournal({ maxUnfinishedRuns: 2 });
    const waits: JournalEntry = { type: "run_ended", atMs: 2, status: "waiting" };
    await journal.append("runs", started());
    await journal.append("waits", started());
    await journal.append("waits", waits);
    await journal.append("new", started());
    expect(await journal.unfinished()).toEqual(["runs", "new"]);
    expect(await journal.read("waits")).toEqual([]);
    await expect(journal.append("newer", started())).rejects.toThrow(/maxUnfinishedRuns/);
  });

  it("options are refused by name", () => {
    expect(() => createMemoryJournal({ maxEndedRuns: 0 })).toThrow(/"maxEndedRuns"/);
    expect(() => createFileJournal({ directory: "" })).toThrow(/"directory"/);
    expect(() => createFileJournal({ directory: "x", sync: 1 as never })).toThrow(/"sync"/);
    expect(() => createFileJournal({ directory: "x", dir: 1 } as never)).toThrow(/"dir"/);
  });
});

describe("files", () => {
  it("of a process that was killed in the middle of a line go on after the last whole one", async () => {
    const directory = await folder();
    await createFileJournal({ directory }).append("run", started());
    await appendFile(join(directory, "run.jsonl"), '{"type":"node_sta');
    const journal = createFileJournal({ directory });
    expect(await journal.read("run")).toEqual([started()]);
    const next: JournalEntry = { type: "node_started", atMs: 2, node: "a" };
    await journal.append("run", next);
    expect(await createFileJournal({ directory }).read("run")).toEqual([started(), next]);
    await appendFile(join(directory, "run.jsonl"), "no entry\n");
    await expect(journal.read("run")).rejects.toThrow(/run.jsonl: line 3 is no entry/);
  });

  it("are their owner's alone", async () => {
    for (const sync of [false, true]) {
      const directory = join(await folder(), "new");
      await createFileJournal({ directory, sync }).append("r", started());
      const modes = [directory, join(directory, "r.jsonl")].map(async (path) =>
        ((await stat(path)).mode & 0o777).toString(8),
      );
      expect(await Promise.all(modes)).toEqual(["700", "600"]);
    }
  });

  it("never lie outside of their folder", async () => {
    const journal = createFileJournal({ directory: await folder() });
    for (const id of ["../x", "a/b", "", "a\0b", "a".repeat(129), "C:x"]) {
      await expect(journal.append(id, started())).rejects.toThrow(/is no id of a run/);
      await expect(journal.read(id)).rejects.toThrow(/is no id of a run/);
      await expect(journal.remove(id)).rejects.toThrow(/is no id of a run/);
    }
  });
});

describe("a run with a journal", () => {
  const calls: string[] = [];
  /** Fails in the process that is `broken`. */
  const flow = (broken: { value: boolean }) =>
    new WorkflowBuilder({ name: "flow" })
      .addNode("pay", ({ n }) => {
        calls.push("pay");
        return { paid: n };
      })
      .addNode(
        "look",
        new FunctionNode({
          idempotent: true,
          run: ({ paid }) => {
            calls.push("look");
            if (broken.value) throw new Error("away");
            return paid + 1;
          },
        }),
      )
      .input("n", { to: "pay.n" })
      .connect({ from: "pay.result.paid", to: "look.paid" })
      .output("x", "look.result");

  it("goes on where it stopped, and repeats nothing that is done", async () => {
    const journal = createMemoryJournal();
    const broken = { value: true };
    const options = { journal, runId: "r1" };
    calls.length = 0;
    await expect(flow(broken).run({ n: 1 }, options)).rejects.toThrow(/away/);
    broken.value = false;
    const result = await flow(broken).run({ n: 1 }, options);
    expect(result.outputs).toEqual({ x: 2 });
    expect(result.nodes.pay).toMatchObject({ status: "completed", attempts: 0 });
    expect(result.trace.map(({ event }) => event)).toContain("node_remembered");
    expect(calls).toEqual(["pay", "look", "look"]);
    // Whoever asks again gets the same.
    expect((await flow(broken).run({ n: 1 }, options)).outputs).toEqual({ x: 2 });
    expect(calls).toHaveLength(3);
  });

  it("refuses a run that was begun with other parameters, or in another graph", async () => {
    const journal = createMemoryJournal();
    const broken = { value: false };
    await flow(broken).run({ n: 1 }, { journal, runId: "r" });
    await expect(flow(broken).run({ n: 2 }, { journal, runId: "r" })).rejects.toThrow(
      /other parameters/,
    );
    await expect(
      flow(broken)
        .addNode("more", () => 1)
        .run({ n: 1 }, { journal, runId: "r" }),
    ).rejects.toThrow(/has changed since/);
    await expect(flow(broken).run({ n: 1n }, { journal, runId: "s" })).rejects.toThrow(/no JSON/);
  });

  it("does not repeat what was interrupted and is not idempotent, unless told", async () => {
    const journal = createMemoryJournal();
    const options = { journal, runId: "r" };
    await flow({ value: false }).run({ n: 1 }, options);
    const [begin] = await journal.read("r");
    await journal.remove("r");
    await journal.append("r", begin as JournalEntry);
    await journal.append("r", { type: "node_started", atMs: 5, node: "pay" });
    expect(await unfinishedRuns(journal)).toMatchObject([
      { runId: "r", workflow: "flow", interrupted: ["pay"], notStarted: ["look"], completed: [] },
    ]);
    calls.length = 0;
    const error = await flow({ value: false })
      .run({ n: 1 }, options)
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "interrupted", node: "pay" });
    expect(calls).toEqual([]);
    await journal.append("r", { type: "node_started", atMs: 5, node: "pay" });
    const result = await flow({ value: false }).run(
      { n: 1 },
      { ...options, repeatInterrupted: true },
    );
    expect(result.outputs).toEqual({ x: 2 });
  });

  it("remembers what nodes did once, and single items of a map", async () => {
    const journal = createMemoryJournal();
    const seen: string[] = [];
    const broken = { value: true };
    const builder = () =>
      new WorkflowBuilder({ name: "map" }).addNode(
        "map",
        new MapNode({
          concurrency: 1,
          each: async ({ item }, context) => {
            const id = await context.once("id", () => {
              seen.push(`id ${item}`);
              return `id-${item}`;
            });
            if (item === 2 && broken.value) throw new Error("two");
            seen.push(`item ${item}`);
            return id;
          },
          config: { idempotent: true },
        }),
        { inputs: { items: [1, 2] } },
      );
    const options = { journal, runId: "m" };
    await expect(builder().run({}, options)).rejects.toThrow(/two/);
    broken.value = false;
    const { outputs } = await builder().run({}, options);
    expect(outputs).toMatchObject({ map: { result: ["id-1", "id-2"] } });
    expect(seen).toEqual(["id 1", "item 1", "id 2", "item 2"]);
  });

  it("fails when the journal does, and says at which run", async () => {
    const directory = await folder();
    await appendFile(join(directory, "file"), "");
    const journal = createFileJournal({ directory: join(directory, "file") });
    const error = await flow({ value: false })
      .run({ n: 1 }, { journal, runId: "r" })
      .catch((e: unknown) => e);
    expect(WorkflowError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code: "journal_failed" });

    // From the second entry on.
    const memory = createMemoryJournal();
    let entries = 0;
    const failing: RunJournal = {
      ...memory,
      append: async (runId, entry) => {
        if (++entries > 2) throw new Error("disk full");
        await memory.append(runId, entry);
      },
    };
    calls.length = 0;
    const late = await flow({ value: false })
      .run({ n: 1 }, { journal: failing, runId: "r" })
      .catch((e: unknown) => e);
    expect(late).toMatchObject({ code: "journal_failed" });
    expect((late as Error).message).toContain("disk full");
    expect(calls).toEqual(["pay"]);
  });

  it("writes nothing but JSON lines", async () => {
    const directory = await folder();
    await flow({ value: false }).run(
      { n: 1 },
      { journal: createFileJournal({ directory }), runId: "r" },
    );
    expect(await readdir(directory)).toEqual(["r.ended.jsonl"]);
    const lines = (await readFile(join(directory, "r.ended.jsonl"), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as JournalEntry).type)).toEqual([
      "run_started",
      "node_started",
      "node_completed",
      "node_started",
      "node_completed",
      "run_ended",
    ]);
  });
});
