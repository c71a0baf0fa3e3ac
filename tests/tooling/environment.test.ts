import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "./fixture.ts";

/** What turbo lets through by itself. */
const OWN = ["HOME", "PATH", "TMPDIR"];

const { globalPassThroughEnv } = JSON.parse(readFileSync(join(repository, "turbo.json"), "utf8"));

function isPassed(name: string): boolean {
  return [...OWN, ...(globalPassThroughEnv as string[])].some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

/** Names of variables that a source reads from the environment of its process. */
function read(source: string): string[] {
  const names = [
    ...source.matchAll(/\bprocess\.env(?:\.|\[")([A-Za-z_]\w*)/g),
    ...source.matchAll(/\bwholeNumber\("([A-Z_]+)"/g),
    ...source.matchAll(/\b(?:const|let) \{([A-Z_,\s]+)\} = (?:process\.)?env\b/g),
  ];
  return names.flatMap(([, list = ""]) => list.split(",").map((name) => name.trim()));
}

function filesIn(folder: string, wanted: RegExp): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => wanted.test(name) && !/(^|\/)(node_modules|dist|fixtures)\//.test(name))
    .map((name) => join(repository, folder, name));
}

const files = [
  ...filesIn("apps", /^[^/]+\/src\/.*\.ts$/),
  ...filesIn("packages", /^[^/]+\/src\/.*\.test(-support)?\.ts$/),
  ...filesIn("tests", /\.ts$/),
  join(repository, "vitest.config.ts"),
];

describe("turbo, which drops every variable that it is not told of", () => {
  it("passes on what apps and tests read", () => {
    const names = new Set(files.flatMap((file) => read(readFileSync(file, "utf8"))));
    expect([...names]).toEqual(expect.arrayContaining(["REDIS_URL", "FUZZ_RUNS", "PORT"]));
    expect([...names].filter((name) => name !== "" && !isPassed(name))).toEqual([]);
  });

  it("is seen to drop one", () => {
    expect(read(`process.env["${"PLANTED"}_URL"]`).filter((name) => !isPassed(name))).toEqual([
      "PLANTED_URL",
    ]);
  });
});
