import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runConformance } from "./cli.ts";

const tableFile = join(import.meta.dirname, "expected-checks.json");
const revision = "2025-11-25";
const stamp = "2026-01-01T00-00-00-000Z";
const cliDeadlineMs = 240_000;

type Leg = "server" | "client";
type Check = {
  id: string;
  name?: string;
  status: string;
  description: string;
  errorMessage?: string;
};
type Table = Record<Leg, Record<string, Record<string, number>>>;

let folder: string;

/** Result files of a run in which every scenario passes exactly as the table says. */
function writeHonestRun(leg: Leg): void {
  const table = JSON.parse(readFileSync(tableFile, "utf8")) as Table;
  for (const [scenario, passed] of Object.entries(table[leg][revision] ?? {})) {
    writeChecks(
      scenario,
      Array.from({ length: passed }, (_, index) => check(`check-${index}`, "SUCCESS")),
      leg,
    );
  }
}

function check(id: string, status: string): Check {
  return { id, status, description: "planted", errorMessage: "planted" };
}

function scenarioFolder(scenario: string, leg: Leg = "server"): string {
  const prefix = leg === "server" ? "server-" : "";
  return join(folder, "results", revision, `${prefix}${scenario}-${stamp}`);
}

function writeChecks(scenario: string, checks: Check[], leg: Leg = "server"): void {
  mkdirSync(scenarioFolder(scenario, leg), { recursive: true });
  writeFileSync(join(scenarioFolder(scenario, leg), "checks.json"), JSON.stringify(checks));
}

function judgeLeg(leg: Leg, ...args: string[]) {
  const results = join(folder, "results");
  return runConformance([leg, "--requirements", revision, "--results", results, ...args]);
}

const judge = (...args: string[]) => judgeLeg("server", ...args);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "conformance-cli-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the verdict over result files", { timeout: cliDeadlineMs }, () => {
  beforeEach(() => writeHonestRun("server"));

  it("passes a run that matches the table", async () => {
    const { exitCode, output } = await judge();
    expect(output).toContain("30/30 scored, 3/3 not scored but required");
    expect(exitCode).toBe(0);
  });

  it.each([
    [
      "a failed check",
      [check("a", "SUCCESS"), check("b", "SUCCESS"), check("c", "FAILURE")],
      "FAILURE c",
    ],
    [
      "a warning",
      [check("a", "SUCCESS"), check("b", "SUCCESS"), check("c", "WARNING")],
      "WARNING c",
    ],
    [
      "a skipped check",
      [check("a", "SUCCESS"), check("b", "SUCCESS"), check("c", "SKIPPED")],
      "SKIPPED c",
    ],
    ["one check too few", [check("a", "SUCCESS")], "1 checks passed, 2 expected"],
    [
      "one check too many",
      ["a", "b", "c"].map((id) => check(id, "SUCCESS")),
      "3 checks passed, 2 expected",
    ],
    ["an empty scenario", [], "not one check passed"],
  ])("fails %s", async (_name, checks, problem) => {
    writeChecks("ping", checks);
    const { exitCode, verdicts } = await judge();
    const bad = verdicts[0]?.rows.filter((row) => !row.ok) ?? [];
    expect(bad.map((row) => row.scenario)).toEqual(["ping"]);
    expect(bad[0]?.problems.join("\n")).toContain(problem);
    expect(exitCode).toBe(1);
  });

  it("fails a scenario that crashed before it wrote its checks", async () => {
    rmSync(scenarioFolder("ping"), { recursive: true });
    const { exitCode, verdicts } = await judge();
    expect(verdicts[0]?.rows.find((row) => row.scenario === "ping")?.problems).toEqual([
      "did not run, or crashed before it wrote a result",
    ]);
    expect(exitCode).toBe(1);
  });

  it("fails a scored scenario that the table does not know, and a row the suite does not know", async () => {
    const table = JSON.parse(readFileSync(tableFile, "utf8")) as Table;
    const rows = table.server[revision] as Record<string, number>;
    delete rows["ping"];
    rows["no-such-scenario"] = 2;
    const other = join(folder, "table.json");
    writeFileSync(other, JSON.stringify(table));
    const { exitCode, verdicts } = await judge("--table", other);
    expect(verdicts[0]?.rows.filter((row) => !row.ok).map((row) => row.scenario)).toEqual(["ping"]);
    expect(verdicts[0]?.stale).toEqual(["no-such-scenario"]);
    expect(exitCode).toBe(1);
  });

  it("writes the table from a passing run only", async () => {
    const other = join(folder, "table.json");
    cpSync(tableFile, other);
    writeChecks("ping", [check("a", "FAILURE")]);
    expect((await judge("--table", other, "--update")).exitCode).toBe(1);
    expect(JSON.parse(readFileSync(other, "utf8"))).toEqual(
      JSON.parse(readFileSync(tableFile, "utf8")),
    );
    writeChecks(
      "ping",
      ["a", "b", "c"].map((id) => check(id, "SUCCESS")),
    );
    expect((await judge("--table", other, "--update")).exitCode).toBe(0);
    const updated = JSON.parse(readFileSync(other, "utf8")) as Table;
    expect(updated.server[revision]?.["ping"]).toBe(3);
  });

  it("refuses a scenario that no requirement set asks for", async () => {
    const { exitCode, output } = await judge("--scenario", "no-such-scenario");
    expect(output).toContain("no-such-scenario");
    expect(exitCode).toBe(2);
  });
});

describe("the verdict over result files of a client", { timeout: cliDeadlineMs }, () => {
  beforeEach(() => writeHonestRun("client"));

  it("passes a run that matches the table, in silence", async () => {
    writeFileSync(join(scenarioFolder("tools_call", "client"), "stderr.txt"), "\n");
    const { exitCode, output } = await judgeLeg("client");
    expect(output).toContain("18/18 scored, 7/7 not scored but required");
    expect(exitCode).toBe(0);
  });

  it("fails a client that complained while every check passed", async () => {
    const file = join(scenarioFolder("auth/basic-cimd", "client"), "stderr.txt");
    writeFileSync(file, "MaxListenersExceededWarning: planted");
    const { exitCode, verdicts } = await judgeLeg("client");
    const bad = verdicts[0]?.rows.filter((row) => !row.ok) ?? [];
    expect(bad.map(({ scenario }) => scenario)).toEqual(["auth/basic-cimd"]);
    expect(bad[0]?.problems.join()).toContain("MaxListenersExceededWarning");
    expect(exitCode).toBe(1);
  });
});

describe("a check that the suite skips", { timeout: cliDeadlineMs }, () => {
  const scenario = "http-standard-headers";
  const skipped = (name: string) => ({ ...check("headers", "SKIPPED"), name });

  it.each([
    ["is allowed where the scenario cannot apply it", "ClientMcpMethodHeader_initialize", []],
    [
      "is a failure elsewhere",
      "ClientMcpMethodHeader_tools_call",
      ["SKIPPED headers: nothing was checked"],
    ],
  ])("%s", async (_name, name, problems) => {
    const modern = join(folder, "results", "2026-07-28", `${scenario}-${stamp}`);
    mkdirSync(modern, { recursive: true });
    const passed = Array.from({ length: 9 }, (_, index) => check(`check-${index}`, "SUCCESS"));
    writeFileSync(join(modern, "checks.json"), JSON.stringify([...passed, skipped(name)]));
    const args = ["client", "--scenario", scenario, "--requirements", "2026-07-28"];
    const run = await runConformance([...args, "--results", join(folder, "results")]);
    expect(run.verdicts[0]?.rows[0]?.problems).toEqual(problems);
  });
});

it("a client that fails is named, whatever the checks say", {
  timeout: cliDeadlineMs,
}, async () => {
  const command = `${process.execPath} --eval process.exitCode=7 --`;
  const run = await runConformance([
    ...["client", "--requirements", revision, "--scenario", "initialize"],
    ...["--command", command],
  ]);
  expect(run.verdicts[0]?.complaints).toEqual(["Client exited with code 7"]);
  expect(run.exitCode).toBe(1);
});
