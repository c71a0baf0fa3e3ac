import { existsSync, readFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { REMEDY } from "./services.mjs";

/**
 * One row of the summary: what ran, how many passed and failed, and what to say about each
 * failure. `wanting` holds a name for each test that was skipped because that is not there.
 */
export function row(name, passed, failures, skipped = 0, wanting = []) {
  return { name, passed, failures, skipped, wanting };
}

/** A step that only has an exit code counts as one. */
export function exitRow(name, code) {
  return code === 0 ? row(name, 1, []) : row(name, 0, [`${name}: exit code ${code}`]);
}

/**
 * Reads what one vitest project left behind. A project without a result, or with no test in it,
 * has failed: its runner crashed, its build failed, or its include pattern matches nothing.
 */
export function vitestRow(name, file, folder, missing = []) {
  if (!existsSync(file)) {
    return row(name, 0, [`${name}: no result; its build failed or its runner crashed`]);
  }
  const report = JSON.parse(readFileSync(file, "utf8"));
  const failures = report.testResults.flatMap((suite) => suiteFailures(suite, name, folder));
  const skipped = report.numPendingTests + report.numTodoTests;
  const wanting = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "skipped" || status === "pending")
    .flatMap(({ tags = [] }) => tags.filter((tag) => missing.includes(tag)));
  const ran = report.numPassedTests + failures.length;
  if (ran === 0 && wanting.length === 0) failures.push(`${name}: no test ran`);
  return row(name, report.numPassedTests, failures, skipped, wanting);
}

function suiteFailures(suite, name, folder) {
  const file = `${name} ${relative(folder, suite.name) || basename(suite.name)}`;
  const failed = suite.assertionResults.filter(({ status }) => status === "failed");
  if (failed.length > 0) return failed.map(({ fullName }) => `${file}: ${fullName}`);
  // A file that cannot be loaded, or whose hooks throw, fails without a failed test of its own.
  return suite.status === "failed" ? [`${file}: ${suite.message?.split("\n")[0] ?? "failed"}`] : [];
}

/** A runner that fails without a failed test must not leave a green sum. */
export function withExitCode(rows, name, code) {
  const failed = rows.some(({ failures }) => failures.length > 0);
  return code === 0 || failed ? rows : [...rows, exitRow(name, code)];
}

/** How many tests were skipped for want of what, as lines. */
function wants(rows) {
  const counts = new Map();
  for (const name of rows.flatMap(({ wanting }) => wanting)) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} tests SKIPPED for want of ${name}`);
}

/**
 * The last lines of every run. The closing one stands alone, for people and for CI to read. In CI a test that
 * is skipped for want of something is a failure.
 */
export function summary(rows, { isCi = false } = {}) {
  const wanted = wants(rows);
  if (isCi) rows = [...rows, ...wanted.map((text) => row("services", 0, [`${text}: ${REMEDY}`]))];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(({ name, passed, failures, skipped }) => {
    const extra = skipped > 0 ? `  ${skipped} skipped` : "";
    return `  ${name.padEnd(width)}  ${passed} passed  ${failures.length} failed${extra}`;
  });
  const failures = rows.flatMap((each) => each.failures);
  const passed = rows.reduce((sum, each) => sum + each.passed, 0);
  return {
    ok: failures.length === 0 && passed > 0,
    text: [
      "",
      ...lines,
      ...(wanted.length > 0 ? ["", ...wanted, `What brings them: ${REMEDY}`] : []),
      ...(failures.length > 0 ? ["", "Failed:", ...failures.map((each) => `  ${each}`)] : []),
      "",
      `${passed} passed, ${failures.length} failed`,
    ].join("\n"),
  };
}
