import { judgeScenario } from "@backplane/testing/conformance";

function problemsOf({ problems, passed }, ran, expected, checkCounts) {
  if (!ran || !checkCounts) return problems;
  if (expected === undefined) {
    const unknown = `${passed} checks passed, but the table has no row: run with --update, review`;
    return [...problems, unknown];
  }
  return passed === expected
    ? problems
    : [...problems, `${passed} checks passed, ${expected} expected`];
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
    const verdict = judgeScenario(scenario, result);
    const problems = problemsOf(verdict, result !== undefined, expected[scenario], checkCounts);
    return {
      scenario,
      scored: isScored,
      passed: verdict.passed,
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
