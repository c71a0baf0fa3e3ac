import { cpSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv, remove, repository, start } from "./fixture.ts";

describe("a bare installation", () => {
  let root: string;
  const env = bareEnv(process.env["PATH"] ?? "");

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "backplane-npm-"));
    for (const name of ["package.json", "package-lock.json", "pnpm-workspace.yaml", "scripts"]) {
      cpSync(join(repository, name), join(root, name), { recursive: true });
    }
  });
  afterAll(() => remove(root));

  it.each(["install", "ci"])("stops npm %s with the two commands", async (command) => {
    const { code, stderr } = await start("npm", [command], { cwd: root, env }).finished;
    expect(stderr).toContain("run npm start or npm test");
    expect(code).not.toBe(0);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });

  it.each([
    ["npm/11.0.0 node/v24.0.0", 1],
    ["yarn/1.22.0 npm/? node/v24.0.0", 1],
    ["", 1],
    ["pnpm/12.21.0 npm/? node/? linux x64", 0],
  ])("lets %j through its own script with exit code %i", async (agent, expected) => {
    const args = [join(root, "scripts/only-pnpm.mjs")];
    const own = { ...env, npm_config_user_agent: agent };
    const { code, stderr } = await start("node", args, { cwd: root, env: own }).finished;
    expect(code).toBe(expected);
    expect(/npm start[\s\S]*npm test/.test(stderr)).toBe(expected === 1);
  });
});
