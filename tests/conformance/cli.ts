import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ScenarioRow {
  scenario: string;
  scored: boolean;
  passed: number;
  expected: number | null;
  ok: boolean;
  problems: string[];
}

export interface Verdict {
  leg: string;
  revision: string;
  rows: ScenarioRow[];
  stale: string[];
  /** What the suite says of clients that failed or hung. */
  complaints: string[];
  notRequired: string[];
}

export interface CliRun {
  exitCode: number | null;
  output: string;
  verdicts: Verdict[];
}

/** Runs the conformance command line as `npm run conformance` does and reads its JSON report. */
export async function runConformance(args: readonly string[]): Promise<CliRun> {
  const folder = mkdtempSync(join(tmpdir(), "conformance-report-"));
  const report = join(folder, "report.json");
  const script = join(import.meta.dirname, "run.mjs");
  const child = spawn(process.execPath, [script, ...args, "--report", report], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const output = Buffer.concat(chunks).toString("utf8");
  try {
    return { exitCode, output, verdicts: JSON.parse(readFileSync(report, "utf8")) as Verdict[] };
  } catch {
    return { exitCode, output, verdicts: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
