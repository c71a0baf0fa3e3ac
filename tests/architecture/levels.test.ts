import { describe, expect, it } from "vitest";
import { levelViolations } from "./levels.ts";
import { plant } from "./planted.ts";
import { repository } from "./workspace.ts";

/** A workspace of a protocol and a server that keeps every rule, with changes on top. */
function workspace(changes: Record<string, string | object> = {}): string {
  return plant({
    "packages/protocol/package.json": { name: "@backplane/protocol" },
    "packages/protocol/tsconfig.build.json": {},
    "packages/protocol/src/index.ts": "export const a = 1;",
    "packages/server/package.json": {
      name: "@backplane/server",
      dependencies: { "@backplane/protocol": "workspace:^" },
    },
    "packages/server/tsconfig.build.json": {
      references: [{ path: "../protocol/tsconfig.build.json" }],
    },
    "packages/server/src/index.ts": 'export { a } from "@backplane/protocol";',
    ...changes,
  });
}

describe("dependency direction", () => {
  it("holds in this repository", () => {
    expect(levelViolations(repository)).toEqual([]);
  });

  it("accepts a workspace that keeps the rules", () => {
    expect(levelViolations(workspace())).toEqual([]);
  });

  it.each([
    ["a static import", 'import { x } from "@backplane/auth";'],
    ["a type import", 'import type { X } from "@backplane/auth/node";'],
    ["an import in a type", 'export type X = import("@backplane/auth").X;'],
    ["a dynamic import", 'export const x = await import("@backplane/auth");'],
    ["a re-export", 'export { x } from "@backplane/auth";'],
    ["a require", 'const x = require("@backplane/auth");'],
  ])("finds %s of a package on the same level", (_name, line) => {
    const found = levelViolations(workspace({ "packages/server/src/deep/x.ts": line }));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^packages\/server\/src\/deep\/x\.ts imports @backplane\/auth/);
  });

  it("finds a package that depends on the test tools, in a test too", () => {
    const line = 'import { x } from "@backplane/testing";';
    expect(levelViolations(workspace({ "packages/server/src/x.test.ts": line }))).toHaveLength(1);
  });

  it("finds a devDependency against the direction", () => {
    const manifest = { name: "@backplane/protocol", devDependencies: { "@backplane/server": "*" } };
    expect(levelViolations(workspace({ "packages/protocol/package.json": manifest }))).toEqual([
      "packages/protocol/package.json: must not depend on @backplane/server",
    ]);
  });

  it("finds an import that the manifest does not list", () => {
    const root = workspace({
      "packages/server/package.json": { name: "@backplane/server" },
      "packages/server/tsconfig.build.json": {},
    });
    expect(levelViolations(root)).toEqual([
      'packages/server/src/index.ts imports @backplane/protocol, which its "dependencies" do not list',
    ]);
  });

  it("finds a way around the package names", () => {
    const line = 'import { a } from "../../protocol/src/index.ts";';
    expect(levelViolations(workspace({ "packages/server/src/x.ts": line }))).toEqual([
      "packages/server/src/x.ts imports ../../protocol/src/index.ts, outside its own folder",
    ]);
  });

  it("finds build references that differ from the manifest, both ways", () => {
    expect(levelViolations(workspace({ "packages/server/tsconfig.build.json": {} }))).toEqual([
      "packages/server/tsconfig.build.json does not reference protocol, which package.json lists",
    ]);
    const references = [{ path: "../server" }];
    const found = levelViolations(
      workspace({ "packages/protocol/tsconfig.build.json": { references } }),
    );
    expect(found).toEqual([
      "packages/protocol/tsconfig.build.json references server, which package.json does not list",
    ]);
  });

  it("finds a package without a place in the table, and a missing build configuration", () => {
    const root = plant({
      "packages/misc/package.json": { name: "@backplane/misc" },
      "packages/cache/package.json": { name: "@backplane/cache" },
    });
    expect(levelViolations(root)).toEqual([
      "packages/cache/tsconfig.build.json is missing",
      "packages/misc: has no place in the level table",
    ]);
  });

  it("finds an app that depends on another app", () => {
    const root = workspace({
      "apps/one/package.json": { name: "@backplane/one" },
      "apps/one/tsconfig.build.json": {},
      "apps/one/src/main.ts": 'import "@backplane/two"; import "@backplane/testing/vitest";',
    });
    expect(levelViolations(root)).toHaveLength(2);
  });
});
