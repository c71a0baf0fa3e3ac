import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository: string = fileURLToPath(new URL("../..", import.meta.url));

/** A folder with nothing in it but what a user of Node has: node, npm, npx, sh and git. */
export function barePath(): string {
  const folder = mkdtempSync(join(tmpdir(), "backplane-path-"));
  symlinkSync(process.execPath, join(folder, "node"));
  for (const tool of ["npm", "npx", "sh", "git"]) symlinkSync(find(tool), join(folder, tool));
  return folder;
}

function find(tool: string): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = folders.map((each) => join(each, tool)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${tool} is not on PATH`);
  return realpathSync(found);
}

/** The files that a commit of this work tree would hold, and nothing that is ignored. */
export function checkout(): string {
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

/** A port of loopback that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** What a fresh terminal has, without what the test runner added for itself. */
export function bareEnv(PATH: string, extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(HOME|TMPDIR|LANG|npm_config_(registry|cache|userconfig))$/i.test(name),
  );
  return { ...Object.fromEntries(kept), PATH, ...extra };
}

/** Writes a file of a workspace under test; objects become JSON. */
export function write(root: string, name: string, content: string | object): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  writeFileSync(join(root, name), text);
}

/**
 * A small workspace around the real scripts, turbo.json and vitest configuration: one package
 * with a test, and a reference app that depends on it.
 */
export function miniWorkspace(): string {
  const root = mkdtempSync(join(tmpdir(), "backplane-workspace-"));
  for (const name of ["scripts", "turbo.json", "tsconfig.base.json", "vitest.config.ts"]) {
    cpSync(join(repository, name), join(root, name), { recursive: true });
  }
  for (const name of ["pnpm-workspace.yaml", "pnpm-lock.yaml"]) {
    cpSync(join(repository, name), join(root, name));
  }
  const { devDependencies, ...manifest } = JSON.parse(
    readFileSync(join(repository, "package.json"), "utf8"),
  );
  const needed = ["@types/node", "rolldown", "turbo", "typescript", "vitest"];
  const fewer = Object.fromEntries(needed.map((name) => [name, devDependencies[name]]));
  write(root, "package.json", { ...manifest, devDependencies: fewer });
  write(root, ".gitignore", "node_modules/\n.cache/\ndist/\n.turbo/\n");
  addPackage(root, "packages/hello", {
    "src/index.ts": 'export const hello = "hello";\n',
    "src/index.test.ts": `
      import { expect, test } from "vitest";
      import { hello } from "./index.ts";
      test("hello", () => expect(hello).toBe("hello"));
      test("turbo lets the environment through", () => expect(process.env.PORT).toBe("4321"));
    `,
  });
  addPackage(root, "apps/reference", { "src/main.ts": APP }, { "@backplane/hello": "workspace:^" });
  return root;
}

/** Serves until a signal comes; the exit code tells which one. With --once it ends at once. */
const APP = `
  import { createServer } from "node:http";
  import { hello } from "@backplane/hello";
  if (process.argv.includes("--once")) process.exit(7);
  const server = createServer((_req, res) => res.end(hello));
  server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
    console.log(JSON.stringify(server.address()));
  });
  process.on("SIGTERM", () => process.exit(15));
`;

/** Adds a project with the manifest, the configurations and the scripts that all have. */
export function addPackage(
  root: string,
  folder: string,
  files: Readonly<Record<string, string>>,
  dependencies: Readonly<Record<string, string>> = {},
): void {
  const name = `@backplane/${folder.split("/")[1]}`;
  const bundled = folder.startsWith("packages/");
  const conditions = { types: "./dist/index.d.ts", default: "./dist/index.js" };
  const source = bundled ? { "@backplane/source": "./src/index.ts" } : {};
  const exports = { ".": { ...source, ...conditions } };
  const build = `tsc -b tsconfig.build.json${bundled ? " && node ../../scripts/bundle.mjs ." : ""}`;
  const scripts = { build, test: "vitest run" };
  const version = "0.0.0";
  write(root, `${folder}/package.json`, {
    ...{ name, version, type: "module", exports, scripts, dependencies },
  });
  write(root, `${folder}/vitest.config.ts`, 'export { default } from "../../vitest.config.ts";\n');
  write(root, `${folder}/tsconfig.build.json`, {
    extends: "../../tsconfig.base.json",
    compilerOptions: {
      ...{ composite: true, rootDir: "src", outDir: "dist" },
      ...(bundled && { emitDeclarationOnly: true }),
    },
    include: ["src"],
    exclude: ["src/**/*.test.ts"],
    references: Object.keys(dependencies).map((each) => ({
      path: `../../packages/${each.split("/")[1]}/tsconfig.build.json`,
    })),
  });
  for (const [file, text] of Object.entries(files)) write(root, `${folder}/${file}`, text);
}

/** What a finished program left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program whose output is kept. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** The first match on stdout; rejects with all output when the program ends without it. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts a program with the given environment and nothing on stdin. */
export function start(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Running {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...output }));
  });
  const waitFor = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output.stdout);
        if (match !== null) resolve(match);
      };
      child.stdout.on("data", look);
      look();
      finished.then(({ stdout, stderr }) => reject(new Error(stdout + stderr)), reject);
    });
  return { child, finished, waitFor };
}

/** Removes folders that a suite made. */
export function remove(...folders: readonly string[]): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
