import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type CliRun, runConformance } from "./cli.ts";

type Table = Record<string, Record<string, Record<string, number>>>;

const table = JSON.parse(
  readFileSync(join(import.meta.dirname, "expected-checks.json"), "utf8"),
) as Table;
const runDeadlineMs = 240_000;

/** How many scenarios the suite scores, by leg and revision. */
const legs = [
  { leg: "server", app: "apps/everything", scored: { "2025-11-25": 30, "2026-07-28": 37 } },
  { leg: "client", app: "apps/everything-client", scored: { "2025-11-25": 18, "2026-07-28": 32 } },
];

describe.each(legs)("the official suite against $app", ({ leg, scored: scoredByRevision }) => {
  let run: CliRun;
  beforeAll(async () => {
    run = await runConformance([leg]);
  }, runDeadlineMs);

  describe.each(Object.entries(scoredByRevision))("revision %s", (revision, scored) => {
    const verdict = () => run.verdicts.find((candidate) => candidate.revision === revision);

    it.each(Object.keys(table[leg]?.[revision] ?? {}))("%s", (scenario) => {
      const row = verdict()?.rows.find((candidate) => candidate.scenario === scenario);
      expect(row, run.output).toBeDefined();
      expect(row?.problems).toEqual([]);
      expect(row?.passed).toBeGreaterThan(0);
    });

    it(`runs all ${scored} scored scenarios and every row of the table`, () => {
      expect(verdict()?.rows.filter((row) => row.scored)).toHaveLength(scored);
      expect(verdict()?.rows.filter((row) => row.expected === null)).toEqual([]);
      expect(verdict()?.stale).toEqual([]);
      expect(verdict()?.complaints).toEqual([]);
    });
  });

  it("ends with exit code 0", () => {
    expect(run.exitCode, run.output).toBe(0);
  });
});
