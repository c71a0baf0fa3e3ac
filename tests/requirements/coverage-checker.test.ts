import { describe, expect, it } from "vitest";
import { citedIds, docCommentOf } from "./citations.ts";
import { misnumbered, uncovered, type World } from "./coverage.ts";
import {
  due,
  type Evidence,
  hostDuty,
  notOffered,
  type Requirement,
  tested,
} from "./requirement.ts";

function row(id: string, evidence: Evidence): Requirement {
  return { id, section: "basic/index", level: "MUST", text: "Planted.", evidence };
}

const overHttp = 'import { post } from "./harness/http.ts";\n';

function worldOf(files: Record<string, string>, packages: readonly string[] = []): World {
  const testFiles = Object.entries(files)
    .filter(([path]) => path.endsWith(".test.ts"))
    .map(([path, source]) => ({ path, source }));
  return {
    testFiles,
    packageExists: (name) => packages.includes(name),
    readSource: (path) => files[path],
  };
}

describe("a tested duty", () => {
  const rows = [row("S26-04", tested)];

  it("passes when a test over a transport cites it", () => {
    const source = `${overHttp}it("[S26-04] refuses", () => {});`;
    expect(uncovered(rows, worldOf({ "tests/protocol/a.test.ts": source }))).toEqual([]);
  });

  it.each([
    ["nobody cites it", `${overHttp}it("refuses", () => {});`],
    ["only a comment cites it", `${overHttp}// [S26-04]\nit("refuses", () => {});`],
    ["the citing test is skipped", `${overHttp}it.skip("[S26-04] refuses", () => {});`],
    [
      "the citing group is skipped",
      `${overHttp}describe.skip("x", () => { it("[S26-04] y", () => {}); });`,
    ],
    ["the citing test is a plan", `${overHttp}it.todo("[S26-04] refuses");`],
    ["the citing test touches no transport", 'it("[S26-04] refuses", () => {});'],
    ["another id is cited", `${overHttp}it("[S26-03a] refuses", () => {});`],
  ])("fails when %s", (_case, source) => {
    const problems = uncovered(rows, worldOf({ "tests/protocol/a.test.ts": source }));
    expect(problems).toContain("S26-04: no test over a real transport cites it");
  });
});

describe("a duty of a package to come", () => {
  it("passes while the package does not exist", () => {
    expect(uncovered([row("S26-40c", due("auth"))], worldOf({}))).toEqual([]);
  });

  it("fails as soon as the package exists", () => {
    expect(uncovered([row("S26-40c", due("auth"))], worldOf({}, ["auth"]))).toEqual([
      "S26-40c: packages/auth exists, its proof is due",
    ]);
  });
});

describe("a feature that is not offered", () => {
  const rows = [row("S26-11a", notOffered("protocol/not-offered.test.ts"))];
  const source = `${overHttp}it("[S26-11a] refuses", () => {});`;

  it("passes when the named test cites it", () => {
    expect(uncovered(rows, worldOf({ "tests/protocol/not-offered.test.ts": source }))).toEqual([]);
  });

  it("fails when only another test cites it", () => {
    expect(uncovered(rows, worldOf({ "tests/protocol/other.test.ts": source }))).toEqual([
      "S26-11a: protocol/not-offered.test.ts does not cite it",
    ]);
  });
});

describe("a duty of the host", () => {
  const file = "packages/protocol/src/context.ts";
  const rows = [row("S26-46c", hostDuty(file, "RequestContext.log", "Never put credentials"))];
  const documented = `export interface RequestContext {
  /**
   * Sends a message. Never put
   * credentials in it.
   */
  log(data: unknown): void;
}`;

  it("passes when the TSDoc says so", () => {
    expect(uncovered(rows, worldOf({ [file]: documented }))).toEqual([]);
  });

  it.each([
    ["the file is gone", {}, "does not exist"],
    ["the symbol is gone", { [file]: documented.replace("log(", "write(") }, "documents no"],
    ["the symbol is not exported", { [file]: documented.replace("export ", "") }, "documents no"],
    ["the TSDoc is gone", { [file]: documented.replace("/**", "/*") }, "documents no"],
    [
      "the TSDoc says something else",
      { [file]: documented.replace("Never", "Always") },
      "does not say",
    ],
  ])("fails when %s", (_case, files, problem) => {
    expect(uncovered(rows, worldOf(files)).join("\n")).toContain(problem);
  });
});

it("refuses any other status", () => {
  const invented = { status: "later" } as unknown as Evidence;
  expect(uncovered([row("S26-04", invented)], worldOf({}))).toEqual([
    'S26-04: "later" is no status',
  ]);
  expect(uncovered([row("S26-04", due(""))], worldOf({}))).toEqual(['S26-04: "due:" is no status']);
});

it("refuses a citation of a duty that does not exist", () => {
  const source = `${overHttp}it("[S26-99] refuses", () => {});`;
  expect(uncovered([], worldOf({ "tests/protocol/a.test.ts": source }))).toEqual([
    "tests/protocol/a.test.ts: S26-99 is no requirement",
  ]);
});

it("refuses repeated, malformed, missing and surplus numbers", () => {
  const rows = ["S26-01", "S26-01", "S25-02", "S26-3", "S26-05"].map((id) => row(id, tested));
  expect(misnumbered(rows, "S26", [1, 2, 3])).toEqual([
    "S26-01: twice",
    "S25-02: not of the form S26-00",
    "S26-3: not of the form S26-00",
    "S26: point 3 is missing",
    "S26: there is no point NaN",
    "S26: there is no point 5",
  ]);
});

describe("citations", () => {
  const cited = (source: string) => [...citedIds({ path: "a.test.ts", source })].sort();

  it("are read from names, groups, lists and tables", () => {
    expect(
      cited('describe("[S26-01a]", () => { it("[S26-02a, S26-03b] x", () => {}); });'),
    ).toEqual(["S26-01a", "S26-02a", "S26-03b"]);
    expect(cited('it.each([["[S26-04] x"], ["[S26-05] y"]])("%s", () => {});')).toEqual([
      "S26-04",
      "S26-05",
    ]);
    expect(cited("it(`[S26-04] named`, () => {});")).toEqual(["S26-04"]);
  });

  it("are not read from bodies and strings elsewhere", () => {
    expect(cited('it("x", () => { expect("[S26-04]").toBe("[S26-05]"); });')).toEqual([]);
  });
});

describe("TSDoc", () => {
  const read = (source: string, symbol: string) => docCommentOf({ path: "a.ts", source }, symbol);

  it("is found on functions, constants, classes and types", () => {
    expect(read("/** Adds. */\nexport function add(): void {}", "add")).toContain("Adds.");
    expect(read("/** A limit. */\nexport const limit = 1;", "limit")).toContain("A limit.");
    expect(read("/** A box. */\nexport class Box {}", "Box")).toContain("A box.");
    expect(read("export class Box { /** Opens. */ open() {} }", "Box.open")).toContain("Opens.");
    expect(read("/** A name. */\nexport type Name = string;", "Name")).toContain("A name.");
  });

  it("belongs to the declaration right below it only", () => {
    expect(read("/** One. */\nconst one = 1;\nexport const two = 2;", "two")).toBeUndefined();
  });
});
