// Runs the attack table of tests/auth over real HTTP, in both eras, and prints it: what was tried, what
// the server said, and what is not defended.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./lib/workspace.mjs";

const tests = join(root, "tests");
const notDefended = join(tests, "auth", "attacks", "not-defended.json");

function runAttacks() {
  const folder = mkdtempSync(join(tmpdir(), "backplane-security-"));
  const output = join(folder, "attacks.json");
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const args = ["run", "auth/attacks.test.ts", "--reporter=json", `--outputFile=${output}`];
  try {
    spawnSync(process.execPath, [vitest, ...args], { cwd: tests, stdio: ["ignore", 2, 2] });
    return existsSync(output) ? JSON.parse(readFileSync(output, "utf8")) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line for an attack, with what was seen in each era. */
function rowsOf(report) {
  const rows = new Map();
  for (const { status, meta, fullName, failureMessages } of report.testResults.flatMap(
    ({ assertionResults }) => assertionResults,
  )) {
    const { group = "", name = fullName, era = "", seen } = meta?.attack ?? {};
    const key = `${group}: ${name}`;
    const row = rows.get(key) ?? { group, name, seen: new Map() };
    const failure = `NOT DEFENDED: ${failureMessages?.[0]?.split("\n")[0] ?? status}`;
    row.seen.set(era, status === "passed" ? seen : failure);
    rows.set(key, row);
  }
  return [...rows.values()];
}

const cell = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");

function print(rows) {
  const eras = ["2026-07-28", "2025-11-25"];
  const lines = [
    "# Attacks",
    "",
    `| | attack | ${eras.join(" | ")} |`,
    "| --- | --- | --- | --- |",
  ];
  for (const { group, name, seen } of rows) {
    const [first, second] = eras.map((era) => seen.get(era) ?? "does not apply");
    lines.push(
      `| ${cell(group)} | ${cell(name)} | ${cell(first)} | ${first === second ? "the same" : cell(second)} |`,
    );
  }
  lines.push("", "# Not defended, and why", "", "| attack | why |", "| --- | --- |");
  for (const { attack, why } of JSON.parse(readFileSync(notDefended, "utf8"))) {
    lines.push(`| ${cell(attack)} | ${cell(why)} |`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

const report = runAttacks();
if (report === undefined) {
  process.stderr.write("security-report: the attacks could not be run\n");
  process.exitCode = 1;
} else {
  print(rowsOf(report));
  const { numPassedTests, numTotalTests } = report;
  process.stdout.write(`\n${numPassedTests} of ${numTotalTests} attacks were refused\n`);
  process.exitCode = report.success && numPassedTests === numTotalTests ? 0 : 1;
}
