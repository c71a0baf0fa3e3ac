import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unfinishedRuns } from "@backplane/workflow";
import { createFileJournal } from "@backplane/workflow/node";
import { afterEach, beforeEach, expect, it } from "vitest";

let directory: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "orders-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

function start(what: "die" | "resume" | "repeat"): ChildProcess {
  // As a user's process: without the flags of the one that tests.
  const script = join(import.meta.dirname, "fixtures/orders.mjs");
  const child = fork(script, [directory, what], { execArgv: [] });
  children.push(child);
  return child;
}

const effects = async (): Promise<string[]> =>
  (await readFile(join(directory, "effects"), "utf8")).trim().split("\n").sort();

/** Runs until two nodes hang in the middle of their work, and kills the process. */
async function killed(): Promise<void> {
  const child = start("die");
  const hanging: unknown[] = [];
  child.on("message", (message) => hanging.push(message));
  await expect.poll(() => hanging.length, { timeout: 20_000 }).toBe(2);
  child.kill("SIGKILL");
  const [code, signal] = await once(child, "exit");
  expect([code, signal]).toEqual([null, "SIGKILL"]);
}

async function outcome(what: "resume" | "repeat"): Promise<Record<string, unknown>> {
  const child = start(what);
  const [message] = (await once(child, "message")) as [Record<string, unknown>];
  await once(child, "exit");
  return message;
}

it("a killed process leaves behind what was done, what is lost and what had not begun", async () => {
  await killed();
  const journal = createFileJournal({ directory: join(directory, "journal") });
  const [run, ...others] = await unfinishedRuns(journal);
  expect(others).toEqual([]);
  expect(run).toMatchObject({ runId: "order-1", workflow: "orders" });
  expect(run?.completed).toEqual(["reserve"]);
  expect([...(run?.interrupted ?? [])].sort()).toEqual(["charge", "look"]);
  expect(run?.notStarted).toEqual(["mail"]);
  expect(run?.lastSeenAtMs).toBeGreaterThanOrEqual(run?.startedAtMs as number);
});

it("the next process says so, repeats only what is idempotent, and charges nobody twice", async () => {
  await killed();
  const { before, status, error } = await outcome("resume");
  expect(before).toMatchObject([{ runId: "order-1", completed: ["reserve"] }]);
  expect(status).toBe("failed");
  expect(error).toMatch(
    /node "charge" was running when its process ended.*unknown.*not idempotent/,
  );
  const done = await effects();
  expect(done.filter((effect) => effect === "reserve")).toHaveLength(1);
  expect(done.filter((effect) => effect === "charge")).toHaveLength(1);
  expect(done).not.toContain("mail 7");
});

it("who knows that it did not act repeats it, and the run ends", async () => {
  await killed();
  const { status, outputs } = await outcome("repeat");
  expect([status, outputs]).toEqual(["completed", { paid: 7, look: "seen" }]);
  expect(await effects()).toEqual(["charge", "charge", "look", "look", "mail 7", "reserve"]);
  const journal = createFileJournal({ directory: join(directory, "journal") });
  expect(await unfinishedRuns(journal)).toEqual([]);
});
