import { describe, expect, it } from "vitest";
import { plant } from "./planted.ts";
import { SURFACE_FOLDER, surfaceViolations, updateSurface } from "./surface.ts";
import { repository } from "./workspace.ts";

const manifest = {
  name: "@backplane/a",
  exports: {
    ".": { "@backplane/source": "./src/index.ts" },
    "./node": { "@backplane/source": "./src/node.ts" },
  },
};

function workspace(index: string): string {
  return plant({
    "packages/a/package.json": manifest,
    "packages/a/src/index.ts": index,
    "packages/a/src/node.ts": "export const onNode = true;",
    [`${SURFACE_FOLDER}/a.txt`]:
      "# @backplane/a\ntype Options\nServer\nserve\n\n# @backplane/a/node\nonNode\n",
  });
}

const agreeing = 'export { serve, Server } from "./s.ts"; export interface Options {}';

describe("public surface", () => {
  it("is what was committed, unless an update was asked for", () => {
    if (process.env["BACKPLANE_SURFACE"] === "update") updateSurface(repository);
    expect(surfaceViolations(repository), "npm run surface:update accepts the change").toEqual([]);
  });

  it("accepts a source that agrees with its snapshot", () => {
    expect(surfaceViolations(workspace(agreeing))).toEqual([]);
  });

  it("finds a new, a removed and a retyped name", () => {
    const source = 'export { Server } from "./s.ts"; export const Options = 1, more = 2;';
    expect(surfaceViolations(workspace(source))).toEqual([
      "a.txt: - @backplane/a type Options",
      "a.txt: - @backplane/a serve",
      "a.txt: + @backplane/a Options",
      "a.txt: + @backplane/a more",
    ]);
  });

  it("finds a package without a snapshot and a snapshot without a package", () => {
    const root = plant({
      "packages/b/package.json": { name: "@backplane/b", exports: { ".": {} } },
      [`${SURFACE_FOLDER}/gone.txt`]: "",
    });
    expect(() => surfaceViolations(root)).toThrow("@backplane/b: . has no source");
    const bare = plant({
      "packages/b/package.json": {
        name: "@backplane/b",
        exports: { ".": { "@backplane/source": "./src/index.ts" } },
      },
      "packages/b/src/index.ts": "export const b = 1;",
      [`${SURFACE_FOLDER}/gone.txt`]: "",
    });
    expect(surfaceViolations(bare)).toEqual([
      "b.txt: + @backplane/b",
      "b.txt: + @backplane/b b",
      "gone.txt: no such package",
    ]);
  });

  it("refuses an entry that hides its names", () => {
    expect(() => surfaceViolations(workspace('export * from "./s.ts";'))).toThrow("export *");
  });

  it("updates every snapshot and removes what is left over", () => {
    const root = workspace("export const fresh = 1;");
    updateSurface(root);
    expect(surfaceViolations(root)).toEqual([]);
  });
});
