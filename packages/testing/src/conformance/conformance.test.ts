import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ConformanceSetupError,
  findNode,
  findSuite,
  formatConformance,
  judgeScenario,
  readResults,
  runConformance,
  type SuiteCheck,
  scoredScenarios,
} from "../conformance.ts";
import { weatherServer } from "../weather-server.test-support.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "conformance-kit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function check(status: SuiteCheck["status"], more: Partial<SuiteCheck> = {}): SuiteCheck {
  return { id: "a-check", status, description: "planted", ...more };
}

/** A program that says which version of Node it is. */
function nodeOf(version: string, name = "bin"): string {
  const bin = join(folder, name);
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "node"), `#!/bin/sh\necho v${version}\n`, { mode: 0o755 });
  return join(bin, "node");
}

describe("the suite", () => {
  it("is found from a folder upwards", () => {
    const suite = join(folder, "node_modules/@modelcontextprotocol/conformance");
    mkdirSync(join(suite, "dist"), { recursive: true });
    mkdirSync(join(folder, "a/b"), { recursive: true });
    expect(() => findSuite(join(folder, "a/b"))).toThrow("npm install --save-dev");
    writeFileSync(join(suite, "dist/index.js"), "");
    expect(findSuite(join(folder, "a/b"))).toBe(suite);
  });

  it("gets a Node that it runs on, or the reader a remedy", () => {
    const [old, recent] = [nodeOf("20.19.0", "old"), nodeOf("24.1.0", "recent")];
    expect(findNode(recent)).toBe(recent);
    expect(() => findNode(old)).toThrow("is Node 20");
    expect(() => findNode(join(folder, "nothing"))).toThrow("does not start");
    const isOld = Number.parseInt(process.versions.node, 10) < 22;
    const path = `${join(folder, "none")}:${join(folder, "old")}:${join(folder, "recent")}`;
    expect(findNode(undefined, path)).toBe(isOld ? recent : process.execPath);
    if (isOld) {
      expect(() => findNode(undefined, join(folder, "old"))).toThrow(ConformanceSetupError);
      expect(() => findNode(undefined, "")).toThrow('in the option "node"');
    }
  });

  it("is judged more strictly than it judges itself", () => {
    expect(judgeScenario("s", { checks: [check("SUCCESS")], stderr: "" })).toMatchObject({
      ok: true,
      passed: 1,
    });
    const bad = [
      undefined,
      { checks: [], stderr: "" },
      { checks: [check("INFO")], stderr: "" },
      { checks: [check("SUCCESS"), check("FAILURE")], stderr: "" },
      { checks: [check("SUCCESS"), check("WARNING")], stderr: "" },
      { checks: [check("SUCCESS"), check("SKIPPED")], stderr: "" },
      { checks: [check("SUCCESS")], stderr: "a stack" },
    ];
    for (const result of bad) expect(judgeScenario("s", result).ok).toBe(false);
    const name = "ClientMcpMethodHeader_initialize";
    const skipped = { checks: [check("SUCCESS"), check("SKIPPED", { name })], stderr: "" };
    expect(judgeScenario("http-standard-headers", skipped).ok).toBe(true);
  });

  it("may leave untested what needs a fixture, if told so", () => {
    const errorMessage = "Not testable: server does not list the tool";
    const result = { checks: [check("SUCCESS"), check("FAILURE", { errorMessage })], stderr: "" };
    expect(judgeScenario("s", result).ok).toBe(false);
    const verdict = judgeScenario("s", result, true);
    expect(verdict).toMatchObject({ ok: true, passed: 1, untested: 1 });
    const report = { revision: "2026-07-28", ok: true, scenarios: [verdict], log: "" } as const;
    expect(formatConformance(report)).toContain("1 need a fixture");
  });

  it("leaves results that are read by scenario", () => {
    const at = join(folder, "server-ping-2026-01-01T00-00-00-000Z");
    mkdirSync(at);
    writeFileSync(join(at, "checks.json"), JSON.stringify([check("SUCCESS")]));
    expect([...readResults(folder, "server").keys()]).toEqual(["ping"]);
  });

  it("names what a revision scores", () => {
    const yaml = "# server:\nserver:\n  - one\n  # - not\n  - two\nclient:\n  - three\n";
    expect(scoredScenarios(yaml, "server")).toEqual(["one", "two"]);
    expect(() => scoredScenarios("server:\n", "server")).toThrow("names no server scenario");
  });
});

describe("runConformance", () => {
  it("judges what the suite writes down, and passes it what was asked for", async () => {
    // In place of the suite: it does as it was told, so that what it was told can be seen.
    const suite = join(folder, "suite");
    mkdirSync(join(suite, "dist"), { recursive: true });
    mkdirSync(join(suite, "requirements"));
    writeFileSync(join(suite, "requirements/2025-11-25.yaml"), "server:\n  - ping\n  - pong\n");
    writeFileSync(join(suite, "package.json"), '{ "type": "module" }');
    writeFileSync(
      join(suite, "dist/index.js"),
      `import { mkdirSync, writeFileSync } from "node:fs";
       const args = process.argv.slice(2);
       const answer = await fetch(args[args.indexOf("--url") + 1], { method: "DELETE" });
       console.log(args.join(" "), answer.status);
       const at = args[args.indexOf("-o") + 1] + "/server-ping-2026-01-01T00-00-00-000Z";
       mkdirSync(at, { recursive: true });
       writeFileSync(at + "/checks.json", JSON.stringify([{ id: "a", status: "SUCCESS", description: "" }]));`,
    );
    const node = join(folder, "node24");
    // It says that it is new enough, and runs this one.
    writeFileSync(
      node,
      `#!/bin/sh\n[ "$1" = --version ] && echo v24.0.0 && exit\nexec "${process.execPath}" "$@"\n`,
      { mode: 0o755 },
    );
    symlinkSync(node, join(folder, "linked"));
    const options = { revision: "2025-11-25", suite, node } as const;
    const all = await runConformance(weatherServer, { ...options, scenarios: "all" });
    expect(all.scenarios.map(({ scenario, ok }) => [scenario, ok])).toEqual([
      ["ping", true],
      ["pong", false],
    ]);
    expect(all.log).toContain("--requirements 2025-11-25");
    const one = await runConformance(weatherServer, { ...options, scenarios: ["ping"] });
    expect(one.ok).toBe(true);
    expect(one.log).toContain("--scenario ping --spec-version 2025-11-25");
    const general = await runConformance(weatherServer, {
      ...options,
      node: join(folder, "linked"),
    });
    expect(general.scenarios.map(({ scenario }) => scenario)).not.toContain("prompts-list");
  });

  it.each([
    [{ revision: "2024-11-05" }, "2025-11-25 or 2026-07-28"],
    [{ timeoutMs: 0 }, "timeoutMs"],
    [{ scenario: "ping" }, "scenario"],
  ])("refuses %j", async (options, says) => {
    await expect(runConformance(weatherServer, options as never)).rejects.toThrow(says);
  });
});
