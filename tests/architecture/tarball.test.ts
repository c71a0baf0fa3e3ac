import { describe, expect, it } from "vitest";
import { packAll } from "./packed.ts";
import { readTarball, tarballViolations } from "./tarball.ts";

function contents(
  changes: Record<string, string> = {},
  manifest: object = {},
): Map<string, string> {
  const exports = { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } };
  const files = {
    "package.json": JSON.stringify({ name: "@backplane/a", exports, ...manifest }),
    LICENSE: "MIT",
    "dist/index.js": "",
    "dist/index.d.ts": "",
    "dist/index.js.map": "",
    ...changes,
  };
  return new Map(Object.entries(files));
}

describe("tarballs", () => {
  it("hold what users need and nothing else, for every public package", () => {
    const packed = packAll();
    const found = packed.flatMap(({ name, bytes }) =>
      tarballViolations(readTarball(bytes)).map((violation) => `${name}: ${violation}`),
    );
    expect(found).toEqual([]);
    expect(packed.map(({ name }) => name)).toContain("@backplane/protocol");
  });

  it("are accepted when they keep the rules", () => {
    expect(tarballViolations(contents())).toEqual([]);
  });

  it.each([
    ["the source condition", { exports: { ".": { "@backplane/source": "./dist/index.js" } } }],
    ["a workspace range", { dependencies: { "@backplane/b": "workspace:^" } }],
    ["a catalog range", { dependencies: { zod: "catalog:" } }],
  ])("are refused with %s in the manifest", (_name, manifest) => {
    expect(tarballViolations(contents({}, manifest))).toHaveLength(1);
  });

  it.each([
    "src/index.ts",
    "dist/index.test.js",
    "dist/types.test-d.d.ts",
    "dist/.tsbuildinfo",
    "dist/secret.env",
    "tsconfig.json",
  ])("are refused with %s", (file) => {
    expect(tarballViolations(contents({ [file]: "" }))).toEqual([`${file} does not belong there`]);
  });

  it("are refused without what they promise", () => {
    const files = contents();
    files.delete("dist/index.d.ts");
    files.delete("LICENSE");
    expect(tarballViolations(files)).toEqual([
      "./dist/index.d.ts is promised but not there",
      "no LICENSE",
    ]);
    const imports = { "#http": { node: "./dist/index.js", default: "./dist/fetch.js" } };
    expect(tarballViolations(contents({}, { imports }))).toEqual([
      "./dist/fetch.js is promised but not there",
    ]);
    expect(tarballViolations(new Map())).toEqual(["no package.json"]);
  });
});
