import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  addPackage,
  bareEnv,
  barePath,
  type Finished,
  miniWorkspace,
  type Running,
  remove,
  start,
  write,
} from "./fixture.ts";

describe("the root scripts, with node, npm, npx, sh and git on PATH and nothing else", () => {
  let root: string;
  let path: string;

  beforeAll(() => {
    root = miniWorkspace();
    path = barePath();
  });
  afterAll(() => remove(root, path));

  const run = (command: string, args: string[], env: Record<string, string> = {}): Running =>
    start(join(path, command), args, { cwd: root, env: bareEnv(path, env) });
  const finish = (...args: Parameters<typeof run>): Promise<Finished> => run(...args).finished;

  it("npm start installs, builds and runs the app with its arguments and exit code", async () => {
    const { code, stderr } = await finish("npm", ["start", "--", "--once"]);
    expect(stderr).toMatch(/using pnpm v/);
    expect(code).toBe(7);
  });

  it("a second start installs nothing, forwards signals and returns the exit code", async () => {
    const running = run("node", ["scripts/run.mjs", "start"]);
    const [, port] = await running.waitFor(/"port":(\d+)/);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(await response.text()).toBe("hello");
    running.child.kill("SIGTERM");
    const { code, stderr } = await running.finished;
    expect(code).toBe(15);
    expect(stderr).not.toMatch(/pnpm/);
  });

  it("a changed manifest is installed", async () => {
    addPackage(root, "packages/late", { "src/index.ts": "export const late = 1;\n" });
    const { code, stderr } = await finish("npm", ["start", "--", "--once"]);
    expect(stderr).toMatch(/using pnpm v/);
    expect(code).toBe(7);
  });

  it("npm test ends with the sum of all runners", async () => {
    const { code, stdout } = await finish("npm", ["test"], { PORT: "4321" });
    // The build is one, the package has two tests.
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("3 passed, 0 failed");
    expect(stdout).toContain(`node ${process.version}`);
    expect(code).toBe(0);
  });

  it("npm test counts what fails, what cannot be loaded and what holds no test", async () => {
    const imported = 'import { expect, test } from "vitest";\n';
    addPackage(root, "packages/fails", {
      "src/index.ts": "export {};\n",
      "src/a.test.ts": `${imported}test("good", () => {}); test("bad", () => expect(1).toBe(2));`,
      "src/b.test.ts": 'import "./gone.ts";',
    });
    addPackage(root, "packages/crashes", {
      "src/index.ts": "export {};\n",
      "src/a.test.ts": `${imported}test("never seen", () => {});`,
      "vitest.config.ts": "process.exit(0);",
    });
    addPackage(root, "packages/empty", {
      "src/index.ts": "export {};\n",
      "src/a.test.ts": "export {};",
    });
    const { code, stdout } = await finish("npm", ["test"], { PORT: "4321" });
    expect(stdout).toMatch(/@backplane\/fails src\/a\.test\.ts: bad/);
    expect(stdout).toMatch(/@backplane\/fails src\/b\.test\.ts: /);
    expect(stdout).toContain("@backplane/crashes: no result; its build failed or its runner");
    expect(stdout).toMatch(/@backplane\/empty src\/a\.test\.ts: /);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("4 passed, 4 failed");
    expect(code).toBe(1);
    for (const name of ["fails", "crashes", "empty"]) {
      rmSync(join(root, "packages", name), { recursive: true });
    }
  });

  it("a build that fails is counted, and nothing runs after it", async () => {
    write(root, "packages/late/src/index.ts", 'export const late: number = "";\n');
    const { code, stdout, stderr } = await finish("npm", ["test"], { PORT: "4321" });
    expect(stderr).toContain("TS2322");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("0 passed, 1 failed");
    expect(code).toBe(1);
  });

  it("a part that is not there is named", async () => {
    const { code, stderr } = await finish("npm", ["run", "everything"]);
    expect(stderr).toContain("apps/everything/tsconfig.build.json is not there.");
    expect(code).toBe(1);
  });

  it("an unknown command is answered with the known ones", async () => {
    const { code, stderr } = await finish("node", ["scripts/run.mjs", "tset"]);
    expect(stderr).toMatch(/Unknown command "tset"\. Known: build, check, test, /);
    expect(code).toBe(1);
  });
});
