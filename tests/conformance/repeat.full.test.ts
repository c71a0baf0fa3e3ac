import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runConformance } from "./cli.ts";

const script = join(import.meta.dirname, "fixtures", "fails-once.mjs");
const deadlineMs = 240_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "conformance-repeat-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(times: number) {
  const command = `${process.execPath} ${script} ${times} ${join(folder, "counter")}`;
  return runConformance(["client", "--requirements", "2025-11-25", "--command", command]);
}

it(
  "a client that fails beside the others and passes alone is reported",
  async () => {
    const { exitCode, output } = await run(1);
    expect(output).toContain("passed alone, after this beside the others: ");
    expect(output).toContain("planted failure");
    expect(exitCode, output).toBe(0);
  },
  deadlineMs,
);

it(
  "a client that fails alone too has failed",
  async () => {
    const { exitCode, verdicts } = await run(2);
    const bad = verdicts[0]?.rows.filter((row) => !row.ok).map(({ scenario }) => scenario);
    expect(bad).toEqual(["tools_call"]);
    expect(exitCode).toBe(1);
  },
  deadlineMs,
);
