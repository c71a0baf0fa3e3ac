import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "../tooling/fixture.ts";
import { mapViolations, parseSurfaces } from "./guide-map.ts";

const surface = join(repository, "tests/architecture/surface");
const entries = parseSurfaces(
  readdirSync(surface).map((file) => readFileSync(join(surface, file), "utf8")),
);
const real = {
  read: (path: string) => {
    const file = join(repository, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  },
  exportsOf: (entry: string) => entries.get(entry),
};
const index = real.read("docs/patterns/README.md") as string;

describe("docs/guide-map.md", () => {
  const markdown = real.read("docs/guide-map.md") as string;

  it("maps every name to something that exists, and leaves no cell empty", () => {
    expect(mapViolations(markdown, real)).toEqual([]);
  });

  it("has a section for each page of the guide's patterns", () => {
    const [guide = ""] = index.split("Beyond the guide");
    const pages = [...guide.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page]) => page);
    const sections = [...markdown.matchAll(/^## \[.+\]\(patterns\/(.+)\)$/gm)];
    expect(sections.map(([, page]) => page)).toEqual(pages);
  });
});

describe("docs/patterns/README.md", () => {
  const rows = [...index.matchAll(/\]\(([\w-]+\.md)\) \| \[(examples\/[\w-]+)\]/g)];

  it("names every page, each once", () => {
    const pages = readdirSync(join(repository, "docs/patterns")).filter(
      (file) => file !== "README.md",
    );
    expect(rows.map(([, page]) => page).sort()).toEqual(pages.sort());
  });

  it.each(rows.map(([, page, example]) => [page, example] as const))(
    "%s is built around %s, which checks itself",
    (page, example) => {
      expect(real.read(`docs/patterns/${page}`)).toContain(`<!-- ${example}/`);
      expect(real.read(`${example}/check.ts`)).toBeDefined();
    },
  );
});

describe("the guard", () => {
  const planted = {
    read: (path: string) => (path === "a.ts" ? "const one = 1;" : undefined),
    exportsOf: (entry: string) => (entry === "@x/a" ? new Set(["One"]) : undefined),
  };
  const violations = (row: string) => mapViolations(`| The guide | Ours |\n${row}`, planted);

  it.each(["| `a` | b | `a.ts: one` |", "| `a` | b | `@x/a: One` |"])("passes %s", (row) => {
    expect(violations(row)).toEqual([]);
  });

  it.each([
    ["an empty cell", "| `a` |  | `a.ts: one` |", /empty cell/],
    ["a missing cell", "| `a` | `a.ts: one` |", /empty cell/],
    ["no place", "| `a` | b | somewhere |", /names no place/],
    ["a missing file", "| `a` | b | `b.ts: one` |", /no file b.ts/],
    ["a name that the file has not", "| `a` | b | `a.ts: on` |", /a.ts has no on/],
    ["a name that is not exported", "| `a` | b | `@x/a: Two` |", /exports no Two/],
    ["an entry that is none", "| `a` | b | `@x/b: One` |", /exports no One/],
  ])("finds %s", (_what, row, message) => {
    expect(violations(row).join()).toMatch(message);
  });
});
