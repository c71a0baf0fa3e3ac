import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { type ConformanceLeg, INAPPLICABLE } from "./requirements.ts";

const TIMESTAMP_SUFFIX = /-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;
/** How the suite words a check for which the server has no fixture. */
const NOT_TESTABLE = /^Not testable: /;
/** Checks that call a fixture and do not notice when there is none. */
const CALL_A_FIXTURE: ReadonlySet<string> = new Set([
  "sep-2575-server-sends-prompts-list-changed-on-subscription",
  "sep-2575-server-sends-tools-list-changed-on-subscription",
]);

/** One check of a scenario, as the suite writes it down. */
export interface SuiteCheck {
  readonly id: string;
  readonly name?: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly description: string;
  readonly errorMessage?: string;
}

/** What one scenario left behind. */
export interface SuiteResult {
  readonly checks: readonly SuiteCheck[];
  /** What the client under test wrote to stderr. */
  readonly stderr: string;
}

/** The verdict on one scenario. */
export interface ScenarioVerdict {
  readonly scenario: string;
  readonly ok: boolean;
  /** Checks that succeeded. */
  readonly passed: number;
  /** Checks that need a fixture which the server does not have; always 0 when fixtures are required. */
  readonly untested: number;
  readonly problems: readonly string[];
}

/** Reads every `checks.json` below a result folder, by scenario. */
export function readResults(folder: string, leg: ConformanceLeg): Map<string, SuiteResult> {
  const results = new Map<string, SuiteResult>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(`${sep}checks.json`)) continue;
    const name = dirname(relative(".", entry)).split(sep).join("/").replace(TIMESTAMP_SUFFIX, "");
    const scenario = leg === "server" ? name.replace(/^server-/, "") : name;
    const file = join(folder, entry);
    const stderrFile = join(dirname(file), "stderr.txt");
    results.set(scenario, {
      checks: JSON.parse(readFileSync(file, "utf8")) as SuiteCheck[],
      stderr: existsSync(stderrFile) ? readFileSync(stderrFile, "utf8").trim() : "",
    });
  }
  return results;
}

/**
 * The verdict on one scenario: it passes when some check succeeded and none failed, warned or was skipped. The
 * suite's own verdict passes a scenario in which nothing was checked.
 * @param withoutFixtures whether checks that need a fixture of the suite may go untested.
 */
export function judgeScenario(
  scenario: string,
  result: SuiteResult | undefined,
  withoutFixtures = false,
): ScenarioVerdict {
  if (result === undefined) {
    const problems = ["did not run, or crashed before it wrote a result"];
    return { scenario, ok: false, passed: 0, untested: 0, problems };
  }
  const isUntestable = ({ id, status, errorMessage = "" }: SuiteCheck): boolean =>
    withoutFixtures &&
    status !== "SUCCESS" &&
    (CALL_A_FIXTURE.has(id) || NOT_TESTABLE.test(errorMessage));
  const untested = result.checks.filter(isUntestable).length;
  const checks = result.checks.filter((check) => !isUntestable(check));
  const problems = checks
    .filter(({ status }) => status === "FAILURE" || status === "WARNING")
    .map((check) => `${check.status} ${check.id}: ${check.errorMessage ?? check.description}`);
  for (const { status, id, name } of checks) {
    if (status !== "SKIPPED" || INAPPLICABLE[scenario]?.includes(name ?? "")) continue;
    problems.push(`SKIPPED ${id}: nothing was checked`);
  }
  // It is silent when all went as it should: with a refusal, too, where one is due.
  if (result.stderr !== "") problems.push(`the client wrote to stderr: ${result.stderr}`);
  const passed = checks.filter(({ status }) => status === "SUCCESS").length;
  if (passed === 0) problems.push("not one check passed");
  return { scenario, ok: problems.length === 0, passed, untested, problems };
}
