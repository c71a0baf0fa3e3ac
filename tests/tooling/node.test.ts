import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv, type Finished, remove, repository, start } from "./fixture.ts";

interface NodeScript {
  readonly MAJORS: readonly string[];
  buildFor(platform: string, major: string): { readonly name: string; readonly version: string };
}

// A computed address: these scripts are plain JavaScript without declarations.
const load = async (file: string): Promise<unknown> => import(join(repository, file));

describe("scripts/node.mjs", () => {
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "backplane-node-"));
    for (const name of ["package.json", "scripts"]) {
      cpSync(join(repository, name), join(root, name), { recursive: true });
    }
  });
  afterAll(() => remove(root));

  const node = (args: string[], extra: Record<string, string> = {}): Promise<Finished> => {
    const env = bareEnv(process.env["PATH"] ?? "", extra);
    return start(process.execPath, ["scripts/node.mjs", ...args], { cwd: root, env }).finished;
  };

  it("prints the running Node when it has the major version", async () => {
    const [major = ""] = process.versions.node.split(".");
    const { code, stdout } = await node([major]);
    expect(realpathSync(stdout.trim())).toBe(realpathSync(process.execPath));
    expect(code).toBe(0);
  });

  it("has an exact version of each major for each platform", async () => {
    const { MAJORS, buildFor } = (await load("scripts/node.mjs")) as NodeScript;
    expect(MAJORS).toEqual(["22", "24", "26"]);
    for (const platform of ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]) {
      for (const major of MAJORS) {
        const { name, version } = buildFor(platform, major);
        expect(version).toMatch(new RegExp(`^${major}\\.\\d+\\.\\d+$`));
        expect(name).toMatch(new RegExp(`^node-(bin-)?${platform}$`));
      }
    }
    expect(() => buildFor("sunos-x64", "24")).toThrow("known for sunos-x64, only for linux-x64");
  });

  it.each([
    [["19"], "No Node 19 is pinned in scripts/node.mjs; it knows 22, 24, 26."],
    [[], "usage: node scripts/node.mjs <major>"],
  ])("answers %j with what it takes", async (args, message) => {
    const { code, stderr, stdout } = await node(args);
    expect(stderr.trim()).toBe(message);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("says what it needs when npm fails, and leaves no half download", async () => {
    const major = process.versions.node.startsWith("24.") ? "22" : "24";
    const { code, stderr } = await node([major], {
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
      npm_config_cache: join(root, "npm-cache"),
    });
    expect(stderr).toMatch(/npm could not bring node-[a-z]+-\S+@\S+; it needs the npm registry/);
    expect(code).toBe(1);
    const folder = join(root, ".cache/node");
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  });
});

describe("scripts/lib/node-version.mjs", () => {
  it("holds the floor", async () => {
    const { assertNodeFloor } = (await load("scripts/lib/node-version.mjs")) as {
      assertNodeFloor(version: string): void;
    };
    for (const good of ["v20.19.0", "v20.20.2", "v22.0.0"]) assertNodeFloor(good);
    for (const bad of ["v20.18.3", "v18.20.0"]) {
      expect(() => assertNodeFloor(bad)).toThrow(`needs Node 20.19 or later; this is Node ${bad}`);
    }
  });
});
