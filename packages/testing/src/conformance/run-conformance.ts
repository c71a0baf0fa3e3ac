import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkMembers, wholeNumber } from "@backplane/protocol";
import type { TestTarget } from "../test-server.ts";
import { readRequirements, scoredScenarios } from "./requirements.ts";
import { judgeScenario, readResults, type ScenarioVerdict } from "./results.ts";
import { findNode, findSuite, runSuite } from "./suite.ts";

/** The revisions that the official suite scores. */
export type ConformanceRevision = "2025-11-25" | "2026-07-28";

/** What `runConformance` takes. */
export interface ConformanceOptions {
  /** Default "2026-07-28". */
  readonly revision?: ConformanceRevision;
  /**
   * `general` are those that say something of any server, by the capabilities that it declares. `all` are
   * those that the revision scores; most call tools, prompts and resources of fixed names, such as
   * `test_simple_text`, which a server under test must have. Or a list of names. Default `general`.
   */
  readonly scenarios?: "general" | "all" | readonly string[];
  /** Folder of the installed suite, `@modelcontextprotocol/conformance`. Default: found from the working directory upwards. */
  readonly suite?: string;
  /** Path of a Node 22 or later. Default: this one, else the first on PATH that is new enough. */
  readonly node?: string;
  /** Longest time of one scenario, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
}

/** What the suite came to. */
export interface ConformanceReport {
  readonly revision: ConformanceRevision;
  /** Whether every scenario passed. */
  readonly ok: boolean;
  readonly scenarios: readonly ScenarioVerdict[];
  /** Everything that the suite printed. */
  readonly log: string;
}

/** The capability without which a scenario has nothing to look at. */
type Need = "tools" | "prompts" | "resources" | undefined;

const GENERAL: Readonly<Record<ConformanceRevision, readonly (readonly [string, Need])[]>> = {
  "2025-11-25": [
    ["server-initialize", undefined],
    ["ping", undefined],
    ["tools-list", "tools"],
    ["prompts-list", "prompts"],
    ["resources-list", "resources"],
    ["dns-rebinding-protection", undefined],
  ],
  "2026-07-28": [
    ["server-stateless", "tools"],
    ["tools-list", "tools"],
    ["prompts-list", "prompts"],
    ["resources-list", "resources"],
    ["sep-2164-resource-not-found", "resources"],
    ["dns-rebinding-protection", undefined],
    ["http-header-validation", "tools"],
  ],
};

/**
 * Runs the official conformance suite against a server, over real HTTP, in a process of its own.
 * @throws {TypeError} for an illegal option. @throws {ConformanceSetupError} without the suite or a Node that
 * it runs on.
 */
export async function runConformance(
  target: TestTarget,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  checkMembers("runConformance", options, ["revision", "scenarios", "suite", "node", "timeoutMs"]);
  const { revision = "2026-07-28", scenarios = "general" } = options;
  if (!Object.hasOwn(GENERAL, revision)) {
    const known = Object.keys(GENERAL).join(" or ");
    throw new TypeError(`runConformance: option "revision" must be ${known}`);
  }
  const timeoutMs = wholeNumber("runConformance", "timeoutMs", options.timeoutMs ?? 30_000);
  const suite = options.suite ?? findSuite(process.cwd());
  const node = findNode(options.node);
  const scored = scoredScenarios(readRequirements(suite, revision), "server");
  // Who reads results only needs no client.
  const { MCPTestClient } = await import("../mcp-test-client.ts");
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const tester = new MCPTestClient(target, { transport: "http", protocol: revision });
  try {
    await tester.connect();
    const wanted =
      scenarios === "all"
        ? scored
        : scenarios === "general"
          ? generalFor(revision, tester.client.server?.capabilities ?? {})
          : scenarios;
    const general = ["--url", tester.url as string, "--timeout", String(timeoutMs), "-o", folder];
    let log = "";
    // One process for all of a revision is quicker than one for each of some: the rest is not judged.
    if (typeof scenarios === "string") {
      const args = ["server", ...general, "--requirements", revision];
      log = await runSuite({ suite, node, args });
    } else {
      for (const scenario of wanted) {
        const selection = ["--scenario", scenario, "--spec-version", revision, "--force"];
        log += await runSuite({ suite, node, args: ["server", ...general, ...selection] });
      }
    }
    const results = readResults(folder, "server");
    const verdicts = wanted.map((scenario) =>
      judgeScenario(scenario, results.get(scenario), scenarios === "general"),
    );
    return { revision, ok: verdicts.every(({ ok }) => ok), scenarios: verdicts, log };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await tester.disconnect();
  }
}

/** A report as people read it: one line for each scenario, problems below their line. */
export function formatConformance({ revision, scenarios }: ConformanceReport): string {
  const width = Math.max(0, ...scenarios.map(({ scenario }) => scenario.length));
  const lines = [`conformance, ${revision}`];
  for (const { scenario, ok, passed, untested, problems } of scenarios) {
    const note = untested === 0 ? "" : `, ${untested} need a fixture of the suite`;
    lines.push(`${ok ? "ok  " : "FAIL"} ${scenario.padEnd(width)}  ${passed} checks passed${note}`);
    for (const problem of problems) lines.push(`       ${problem}`);
  }
  const passing = scenarios.filter(({ ok }) => ok).length;
  lines.push(`${passing}/${scenarios.length} scenarios passed`);
  return lines.join("\n");
}

function generalFor(revision: ConformanceRevision, capabilities: object): string[] {
  return GENERAL[revision]
    .filter(([, need]) => need === undefined || need in capabilities)
    .map(([scenario]) => scenario);
}
