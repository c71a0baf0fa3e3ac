import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { figureViolations, snippetViolations } from "./snippets.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function documents(): readonly string[] {
  const folders = ["docs", "apps", "packages", "examples", "deploy"].filter((name) =>
    existsSync(join(root, name)),
  );
  const nested = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md") && !/(^|\/)(node_modules|dist|api)\//.test(path))
      .map((path) => join(folder, path)),
  );
  return ["README.md", "CONTRIBUTING.md", ...nested];
}

function read(path: string): string | undefined {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

describe.each(documents())("%s", (document) => {
  const markdown = read(document) as string;

  it("shows only code that the tests run", () => {
    expect(snippetViolations(markdown, read)).toEqual([]);
  });

  it("links only to files that exist", () => {
    const links = [...markdown.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)];
    const broken = links
      .map(([, target]) => join(dirname(document), target as string))
      .filter((target) => !existsSync(join(root, target)));
    expect(broken).toEqual([]);
  });

  it("defines the links that it names", () => {
    const named = [...markdown.matchAll(/\]\[([\w-]+)\]/g)].map(([, name]) => name as string);
    expect(named.filter((name) => !markdown.includes(`\n[${name}]: `))).toEqual([]);
  });
});

describe("README.md", () => {
  it("has the figures of the last benchmark, and no others", () => {
    const readme = read("README.md") as string;
    expect(figureViolations(readme, read("bench/RESULTS.md") ?? "")).toEqual([]);
    expect(readme).toMatch(/^\|.*÷/m);
  });
});

describe("the checker", () => {
  const files = (path: string): string | undefined => (path === "a.ts" ? "one\ntwo\n" : undefined);
  const block = (source: string, text: string): string => `${source}\n\`\`\`ts\n${text}\n\`\`\`\n`;

  it("passes a block that is part of its file", () => {
    expect(snippetViolations(block("<!-- a.ts -->", "two"), files)).toEqual([]);
  });

  it.each([
    ["an unnamed block", block("", "two"), /no comment above/],
    ["a missing file", block("<!-- b.ts -->", "two"), /there is no file b.ts/],
    ["a block that differs", block("<!-- a.ts -->", "three"), /says something else/],
    ["one that is not TypeScript", "<!-- a.ts -->\n```yaml\nthree\n```\n", /says something else/],
  ])("finds %s", (_what, markdown, message) => {
    expect(snippetViolations(markdown, files).join()).toMatch(message);
  });

  it("finds a figure that no benchmark printed", () => {
    const results = "| call ÷ bare | 0.93 | reached |";
    expect(figureViolations("| call ÷ bare | 0.93 |", results)).toEqual([]);
    expect(figureViolations("| call ÷ bare | 0.99 |", results)).toHaveLength(1);
  });
});
