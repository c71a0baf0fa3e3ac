import { describe, expect, it } from "vitest";
import { lengthViolations } from "./file-length.ts";
import { plant } from "./planted.ts";
import { repository } from "./workspace.ts";

const lines = (count: number): string => "// line\n".repeat(count);

/** A package with `count` files of 300 lines and the given ones. */
function workspace(count: number, files: Record<string, string> = {}): string {
  const short = Array.from({ length: count }, (_, i) => [`packages/a/src/f${i}.ts`, lines(300)]);
  const manifest = { "packages/a/package.json": { name: "@backplane/a" } };
  return plant({ ...manifest, ...Object.fromEntries(short), ...files });
}

describe("file length", () => {
  it("stays within the design in this repository", () => {
    expect(lengthViolations(repository)).toEqual([]);
  });

  it("accepts one file in ten above 300 lines, up to 500", () => {
    expect(lengthViolations(workspace(9, { "packages/a/src/x.ts": lines(500) }))).toEqual([]);
  });

  it("finds a file above 500 lines, however deep", () => {
    expect(lengthViolations(workspace(9, { "packages/a/src/b/x.ts": lines(501) }))).toEqual([
      "packages/a/src/b/x.ts has 501 lines",
    ]);
  });

  it("finds a package in which two files of eleven are long", () => {
    const files = { "packages/a/src/x.ts": lines(400), "packages/a/src/y.ts": lines(310) };
    expect(lengthViolations(workspace(9, files))).toEqual([
      "packages/a: nine files in ten have up to 310 lines",
    ]);
  });

  it("leaves tests and generated files alone", () => {
    const files = {
      "packages/a/src/x.test.ts": lines(900),
      "packages/a/src/x.test-d.ts": lines(900),
      "packages/a/src/x.generated.ts": lines(900),
    };
    expect(lengthViolations(workspace(1, files))).toEqual([]);
  });
});
