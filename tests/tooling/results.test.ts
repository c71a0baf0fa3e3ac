import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "./fixture.ts";

interface Row {
  readonly name: string;
  readonly passed: number;
  readonly failures: readonly string[];
}
interface Results {
  row(name: string, passed: number, failures: string[], skipped?: number, wanting?: string[]): Row;
  withExitCode(rows: Row[], name: string, code: number): Row[];
  summary(
    rows: Row[],
    options?: { isCi: boolean },
  ): { readonly ok: boolean; readonly text: string };
}

// A computed address: these scripts are plain JavaScript without declarations.
const results: Results = await import(join(repository, "scripts/lib/results.mjs"));
const { row, summary, withExitCode } = results;

const lastLine = (text: string): string | undefined => text.split("\n").at(-1);

describe("the sum of all runners", () => {
  it("closes with one plain line", () => {
    const { ok, text } = summary([row("a", 2, []), row("b", 3, [], 1)]);
    expect(lastLine(text)).toBe("5 passed, 0 failed");
    expect(text).toContain("3 passed  0 failed  1 skipped");
    expect(ok).toBe(true);
  });

  it("names each failure", () => {
    const { ok, text } = summary([row("a", 2, ["a x.test.ts: breaks"])]);
    expect(text).toContain("Failed:\n  a x.test.ts: breaks");
    expect(lastLine(text)).toBe("2 passed, 1 failed");
    expect(ok).toBe(false);
  });

  it("counts what was skipped for want of a service, which fails in CI", () => {
    const rows = [row("a", 2, [], 3, ["redis", "redis"]), row("b", 1, [], 1, ["redis"])];
    const here = summary(rows, { isCi: false });
    expect(here.text).toContain("3 tests SKIPPED for want of redis\n");
    expect(here.text).toContain("sh scripts/services.sh");
    expect(here.ok).toBe(true);
    const inCi = summary(rows, { isCi: true });
    expect(inCi.text).toMatch(/Failed:\n.*redis: sh scripts\/services\.sh/);
    expect(lastLine(inCi.text)).toBe("3 passed, 1 failed");
    expect(inCi.ok).toBe(false);
  });

  it("is no success when nothing ran", () => {
    expect(summary([row("a", 0, [])]).ok).toBe(false);
    expect(lastLine(summary([]).text)).toBe("0 passed, 0 failed");
    expect(summary([]).ok).toBe(false);
  });

  it("counts a runner that fails without a failed test", () => {
    const green = [row("a", 2, [])];
    expect(withExitCode(green, "runner", 0)).toEqual(green);
    expect(withExitCode(green, "runner", 1).at(-1)?.failures).toEqual(["runner: exit code 1"]);
    const red = [row("a", 2, ["bad"])];
    expect(withExitCode(red, "runner", 1)).toEqual(red);
  });
});
