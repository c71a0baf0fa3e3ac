import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv, barePath, remove, repository, start } from "./fixture.ts";

/** The files that a commit of this work tree would hold, and nothing that is ignored. */
function checkout(): string {
  const root = mkdtempSync(join(tmpdir(), "backplane-clone-"));
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const present = execFileSync("git", [...list], { cwd: repository, encoding: "utf8" });
  const deleted = execFileSync("git", ["ls-files", "-z", "--deleted"], {
    cwd: repository,
    encoding: "utf8",
  }).split("\0");
  for (const file of present.split("\0")) {
    if (file === "" || deleted.includes(file)) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    cpSync(join(repository, file), join(root, file));
  }
  return root;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

describe("a fresh clone", () => {
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
    const running = start(join(path, "node"), ["scripts/run.mjs", "start"], { cwd: root, env });
    const [curl] = await running.waitFor(/^\s*curl (?:.*\\\n)*.*\n/m);
    const answer = execFileSync("sh", ["-c", curl], { encoding: "utf8" });
    expect(answer).toContain('"jsonrpc":"2.0"');
    expect(answer).toContain('"result"');
    running.child.kill("SIGTERM");
    expect((await running.finished).code).toBe(0);
  }, 300_000);
});
