import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const sources = join(import.meta.dirname, "../../examples");
const fixtures = join(import.meta.dirname, "fixtures");

const examples = readdirSync(sources).filter((name) => existsSync(join(sources, name, "check.ts")));

/** What an example needs beyond Node. */
const NEEDS: Readonly<Record<string, string[]>> = { "health-checks": ["redis"] };

/** Runs the built check of an example, optionally on another server than its own. */
async function check(example: string, server?: string) {
  const script = join(sources, "dist", example, "check.js");
  const args = server === undefined ? [script] : [script, join(fixtures, server)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

describe("examples", { concurrent: true }, () => {
  it("are found", () => {
    expect(examples).toEqual(expect.arrayContaining(["production-server", "simple-server"]));
  });

  for (const example of examples) {
    it(`${example} runs, is called, and stops`, { tags: NEEDS[example] ?? [] }, async () => {
      const { code, stdout, stderr } = await check(example);
      expect(code, stdout + stderr).toBe(0);
    });
  }

  it.each(["wrong-server.mjs", "silent-server.mjs"])("exit non-zero for %s", async (server) => {
    const { code, stderr } = await check("simple-server", server);
    expect(code).not.toBe(0);
    expect(stderr).toContain("AssertionError");
  });
});
