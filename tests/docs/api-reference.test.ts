import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../tooling/fixture.ts";

// The check of the real packages is part of `npm run check`; here it is seen to fail.
describe("the check of the API reference", () => {
  let root = "";

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "backplane-api-"));
    const folder = join(root, "packages/one");
    mkdirSync(join(folder, "src"), { recursive: true });
    const exports = { ".": { "@backplane/source": "./src/index.ts" } };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "@x/one", exports }));
    writeFileSync(
      join(root, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { types: [] }, include: ["packages/*/src"] }),
    );
  });
  afterAll(() => rmSync(root, { recursive: true }));

  function check(source: string): string {
    writeFileSync(join(root, "packages/one/src/index.ts"), source);
    const args = [join(repository, "docs/api-reference.mjs"), "--check", root];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    return stdout + stderr;
  }

  it("finds symbols of every kind without a comment and links that lead nowhere, and nothing else", () => {
    const complaints = check(`
/** One. */
export const documented = 1;
/** See {@link Nowhere}. */
export const linked = 1;
export const variable = 1;
export function fn(): void {}
export class Class {}
export interface Interface {}
export type Alias = string;
export declare namespace Space {
  interface Inner {}
}
`);
    for (const name of ["variable", "fn", "Class", "Interface", "Alias", "Inner"]) {
      expect(complaints).toContain(`@x/one: ${name} has no comment`);
    }
    expect(complaints).not.toMatch(/(documented|linked) has no comment/);
    expect(complaints).toContain("Nowhere");
  });
});
