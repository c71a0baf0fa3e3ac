import { describe, expect, it } from "vitest";
import { floorViolations } from "./node-floor.ts";
import { plant } from "./planted.ts";
import { repository } from "./workspace.ts";

function built(code: string): string {
  return plant({
    "packages/a/package.json": { name: "@backplane/a" },
    "packages/a/dist/deep/x.js": code,
    "packages/a/dist/x.d.ts": "export declare const using: number;",
  });
}

describe("the floor of Node", () => {
  it("holds for everything that is built in this repository", () => {
    expect(floorViolations(repository)).toEqual([]);
  });

  it.each([
    ["async function go(a) { await using b = a; }", '"await using"'],
    ["{ using b = a; }", '"using"'],
    ["async function go(all) { for (await using a of all) a(); }", '"await using"'],
    ["class A { @bound b() {} }", "a decorator"],
    ["class A { accessor b = 1; }", '"accessor"'],
    ['import defer * as a from "./a.js";', '"import defer"'],
  ])("finds %s", (code, what) => {
    expect(floorViolations(built(code))).toEqual([
      `packages/a/dist/deep/x.js has ${what}, which Node 20 cannot parse`,
    ]);
  });

  it.each([
    "const using = 1; export { using };",
    "class A { static { this.b = 1; } #c = 1; }",
    'import a from "./a.json" with { type: "json" };',
    'export const load = () => import("node:fs");',
    "export const word = /[\\p{L}--[a-z]]/v;",
  ])("accepts %s", (code) => {
    expect(floorViolations(built(code))).toEqual([]);
  });

  it("does not pass over what cannot be read", () => {
    expect(() => floorViolations(built("const ="))).toThrow(/x\.js/);
  });
});
