import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { inapplicable } from "./required.mjs";

const timestampSuffix = /-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

/**
 * Reads every `checks.json` below a result folder: scenario name to its checks and to what the client
 * under test wrote to stderr.
 */
export function readResults(folder, leg) {
  const results = new Map();
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(`${sep}checks.json`)) continue;
    const name = dirname(relative(".", entry)).split(sep).join("/").replace(timestampSuffix, "");
    const scenario = leg === "server" ? name.replace(/^server-/, "") : name;
    const file = join(folder, entry);
    const stderrFile = join(dirname(file), "stderr.txt");
    results.set(scenario, {
      checks: JSON.parse(readFileSync(file, "utf8")),
      stderr: existsSync(stderrFile) ? readFileSync(stderrFile, "utf8").trim() : "",
    });
  }
  return results;
}

function count(checks, status) {
  return checks.filter((check) => check.status === status).length;
}

function problemsOf(scenario, result, expected, checkCounts) {
  if (!result) return ["did not run, or crashed before it wrote a result"];
  const { checks, stderr } = result;
  const problems = checks
    .filter((check) => check.status === "FAILURE" || check.status === "WARNING")
    .map((check) => `${check.status} ${check.id}: ${check.errorMessage ?? check.description}`);
  for (const check of checks) {
    if (check.status !== "SKIPPED" || inapplicable[scenario]?.includes(check.name)) continue;
    problems.push(`SKIPPED ${check.id}: nothing was checked`);
  }
  // It is silent when all went as it should: with a refusal, too, where one is due.
  if (stderr !== "") problems.push(`the client wrote to stderr: ${stderr}`);
  const passed = count(checks, "SUCCESS");
  if (passed === 0) problems.push("not one check passed");
  if (!checkCounts) return problems;
  if (expected === undefined) {
    problems.push(`${passed} checks passed, but the table has no row: run with --update, review`);
  } else if (passed !== expected) {
    problems.push(`${passed} checks passed, ${expected} expected`);
  }
  return problems;
}

/**
 * Compares results with the table, one row per required scenario. A scenario passes when exactly
 * the expected number of checks succeeded and none failed, warned or was skipped: the suite's own
 * verdict passes a scenario in which nothing was checked. Without `checkCounts` (when the table is
 * about to be written) the expected numbers are ignored.
 */
export function evaluate({ results, scored, extra, expected, checkCounts }) {
  const required = [...scored.map((name) => [name, true]), ...extra.map((name) => [name, false])];
  const rows = required.map(([scenario, isScored]) => {
    const result = results.get(scenario);
    const problems = problemsOf(scenario, result, expected[scenario], checkCounts);
    return {
      scenario,
      scored: isScored,
      passed: result ? count(result.checks, "SUCCESS") : 0,
      expected: expected[scenario] ?? null,
      ok: problems.length === 0,
      problems,
    };
  });
  const known = new Set(rows.map((row) => row.scenario));
  const stale = checkCounts ? Object.keys(expected).filter((name) => !known.has(name)) : [];
  return { rows, stale };
}

/** What the suite says of clients that failed or hung; in whole runs it does not judge by it. */
export function complaintsIn(log) {
  return log.split("\n").filter((line) => /^Client (?:exited with code|timed out)/.test(line));
}

/** The table's rows for one leg and revision, from a run without any failure. */
export function tableFrom(rows) {
  return Object.fromEntries(rows.map((row) => [row.scenario, row.passed]));
}

/** A report for people: one line per scenario, problems below their line. */
export function formatReport({ leg, revision, target, rows, stale, complaints, notRequired }) {
  const width = Math.max(...rows.map((row) => row.scenario.length), 8);
  const lines = [`conformance ${leg}, ${revision}: ${target}`];
  lines.push(`     ${"scenario".padEnd(width)}  checks  expected`);
  for (const row of rows) {
    const counts = `${String(row.passed).padStart(6)}  ${String(row.expected ?? "-").padStart(8)}`;
    const note = row.scored ? "" : "  (not scored, required here)";
    lines.push(`${row.ok ? "ok  " : "FAIL"} ${row.scenario.padEnd(width)}  ${counts}${note}`);
    for (const problem of row.problems) lines.push(`       ${problem}`);
    for (const problem of row.failedBefore ?? []) {
      lines.push(`       passed alone, after this beside the others: ${problem.split("\n")[0]}`);
    }
  }
  for (const scenario of stale) lines.push(`FAIL ${scenario}: in the table, not in the suite`);
  for (const complaint of complaints) lines.push(`FAIL ${complaint}`);
  if (notRequired.length > 0) lines.push(`ran, not required: ${notRequired.join(", ")}`);
  const scored = rows.filter((row) => row.scored);
  const extra = rows.filter((row) => !row.scored);
  const passing = (list) => `${list.filter((row) => row.ok).length}/${list.length}`;
  lines.push(`${passing(scored)} scored, ${passing(extra)} not scored but required`);
  return lines.join("\n");
}
