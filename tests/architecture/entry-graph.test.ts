import { describe, expect, it } from "vitest";
import { entryGraphViolations } from "./entry-graph.ts";
import { plant } from "./planted.ts";
import { projectsIn, readJson, repository } from "./workspace.ts";

function manifest(name: string, more: object = {}): object {
  const exports = {
    ".": { "@backplane/source": "./src/index.ts", default: "./dist/index.js" },
    "./node": { default: "./dist/node.js" },
  };
  return { name: `@backplane/${name}`, exports, ...more };
}

/** One built package whose root entry reaches `dist/deep.js` with the given content. */
function built(deep: string, more: Record<string, string | object> = {}): string {
  return plant({
    "packages/server/package.json": manifest("server"),
    "packages/server/dist/index.js": 'export { deep } from "./deep.js";',
    "packages/server/dist/deep.js": deep,
    ...more,
  });
}

const chain = "packages/server/dist/index.js → packages/server/dist/deep.js";

describe("static import graph of the root entries", () => {
  it("is free of Node built-ins and third-party modules in this repository", () => {
    expect(entryGraphViolations(repository)).toEqual([]);
  });

  it("is read after every package was built", () => {
    const { devDependencies } = readJson<{ devDependencies: Record<string, string> }>(
      `${repository}/tests/package.json`,
    );
    const projects = [...projectsIn(repository, "packages"), ...projectsIn(repository, "apps")];
    const names = projects.map((project) => project.manifest.name);
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(names));
  });

  it.each([
    ["an allowed built-in", 'import { channel } from "node:diagnostics_channel";'],
    ["an import in a function", 'export const fs = () => import("node:fs");'],
    ["an import in a method", 'export class A { async go() { await import("node:fs"); } }'],
    ["a cycle", 'import "./index.js";'],
  ])("accepts %s", (_name, line) => {
    expect(entryGraphViolations(built(line))).toEqual([]);
  });

  it.each([
    ["node:fs", "a Node built-in"],
    ["fs/promises", "a Node built-in"],
    ["zod", "a third-party module"],
    ["ajv/dist/2020.js", "a third-party module"],
    ["undici", "a third-party module"],
    ["@modelcontextprotocol/sdk/types.js", "a third-party module"],
  ])("finds %s", (specifier, reason) => {
    expect(entryGraphViolations(built(`import * as x from "${specifier}";`))).toEqual([
      `${chain} → ${specifier}: ${reason}`,
    ]);
    expect(entryGraphViolations(built(`import "${specifier}";`))).toHaveLength(1);
    expect(entryGraphViolations(built(`export { x } from "${specifier}";`))).toHaveLength(1);
    expect(entryGraphViolations(built(`await import("${specifier}");`))).toHaveLength(1);
  });

  it("follows other packages, by root entry and by subpath", () => {
    const root = built('import "@backplane/protocol"; import "@backplane/protocol/node";', {
      "packages/protocol/package.json": manifest("protocol"),
      "packages/protocol/dist/index.js": "",
      "packages/protocol/dist/node.js": 'import "node:dns";',
    });
    expect(entryGraphViolations(root)).toEqual([
      `${chain} → packages/protocol/dist/node.js → node:dns: a Node built-in`,
    ]);
  });

  it("follows a private import to its default condition", () => {
    const imports = { "#http": { node: "undici", default: "./dist/fetch.js" } };
    const root = built('import "#http"; import "#none";', {
      "packages/server/package.json": manifest("server", { imports }),
      "packages/server/dist/fetch.js": 'import "node:http";',
    });
    expect(entryGraphViolations(root)).toEqual([
      `${chain} → packages/server/dist/fetch.js → node:http: a Node built-in`,
      `${chain} → #none: no default condition in package.json`,
    ]);
    const nested = { "#http": { node: "undici", default: { default: "./dist/fetch.js" } } };
    const other = built('import "#http";', {
      "packages/server/package.json": manifest("server", { imports: nested }),
      "packages/server/dist/fetch.js": 'import "node:http";',
    });
    expect(entryGraphViolations(other)).toHaveLength(1);
  });

  it("lets a package have subpaths only, but not nothing", () => {
    const subpath = { "./client": { default: "./dist/client.js" } };
    const files = (exports: object | undefined): Record<string, object> => ({
      "packages/auth/package.json": { name: "@backplane/auth", exports },
    });
    expect(entryGraphViolations(plant(files(subpath)))).toEqual([]);
    expect(entryGraphViolations(plant(files(undefined)))).toEqual(["packages/auth: no entry"]);
  });

  it("does not pass over what is not built or not exported", () => {
    expect(entryGraphViolations(plant({ "packages/a/package.json": manifest("a") }))).toEqual([
      "packages/a/dist/index.js is not built",
    ]);
    expect(entryGraphViolations(built('import "./gone.js";'))).toEqual([
      `${chain} → packages/server/dist/gone.js: not built`,
    ]);
    expect(entryGraphViolations(built('import "@backplane/server/internal";'))).toEqual([
      `${chain} → @backplane/server/internal: not exported`,
    ]);
  });
});
