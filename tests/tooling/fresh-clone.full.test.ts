import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv, barePath, checkout, freePort, remove, start } from "./fixture.ts";

describe("a fresh clone", { tags: ["curl"] }, () => {
  let root: string;
  let path: string;

  beforeAll(() => {
    root = checkout();
    path = barePath();
  });
  afterAll(() => remove(root, path));

  it("serves after npm start, and the printed curl line works as pasted", async () => {
    const PORT = String(await freePort());
    const env = bareEnv(path, { PORT });
    const began = Date.now();
    const install = ["scripts/run.mjs", "pnpm", "install", "--frozen-lockfile"];
    const installed = await start(join(path, "node"), install, { cwd: root, env }).finished;
    expect(installed.code, installed.stderr).toBe(0);
    console.log(`install of a fresh clone: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    const running = start(join(path, "node"), ["scripts/run.mjs", "start"], { cwd: root, env });
    const [curl] = await running.waitFor(/^\s*curl (?:.*\\\n)*.*\n/m);
    const answer = execFileSync("sh", ["-c", curl], { encoding: "utf8" });
    expect(answer).toContain('"jsonrpc":"2.0"');
    expect(answer).toContain('"result"');
    running.child.kill("SIGTERM");
    expect((await running.finished).code).toBe(0);
  }, 300_000);
});
