import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { childEnv } from "./pnpm.mjs";
import { run, ToolError } from "./process.mjs";
import { root } from "./workspace.mjs";

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const bundle = join(root, "scripts", "bundle.mjs");

function mustExist(file, remedy) {
  if (!existsSync(join(root, file))) throw new ToolError(`${file} is not there. ${remedy}`);
}

/**
 * Builds an app with what it depends on and runs it in this terminal. Without turbo: `tsc -b` and
 * the bundler see in a fraction of a second that nothing changed, and the app gets the environment,
 * the signals and the exit code as they are.
 */
export async function app(name, args) {
  const project = `apps/${name}/tsconfig.build.json`;
  mustExist(project, `npm run ${name} needs the app in apps/${name}.`);
  for (const step of [[tsc, "-b", project], [bundle]]) {
    const code = await run(process.execPath, step, { cwd: root, output: "stderr" });
    if (code !== 0) return code;
  }
  const main = `apps/${name}/dist/main.js`;
  mustExist(main, `The build of apps/${name} must produce it.`);
  return run(process.execPath, [join(root, main), ...args], { cwd: root, output: "inherit" });
}

/** Runs a script of the repository in this terminal, with pnpm on PATH. */
export function script(file, args) {
  mustExist(file, "It is part of a full checkout.");
  const options = { cwd: root, env: childEnv(), output: "inherit" };
  return run(process.execPath, [join(root, file), ...args], options);
}

/** The benchmark's peers have a lockfile of their own; npm installs them when it changed. */
export function installBench() {
  mustExist("bench/package-lock.json", "The benchmark installs its peers from it.");
  const hash = createHash("sha256");
  for (const name of ["package.json", "package-lock.json"]) {
    hash.update(readFileSync(join(root, "bench", name)));
  }
  const fingerprint = hash.digest("hex");
  const stamp = join(root, "bench", "node_modules", ".backplane-install");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint) return;
  const args = ["ci", "--prefix", join(root, "bench"), "--no-audit", "--no-fund"];
  try {
    execFileSync("npm", args, { cwd: root, env: childEnv(), stdio: ["ignore", 2, 2] });
  } catch (cause) {
    throw new ToolError("npm ci --prefix bench failed.", { cause });
  }
  writeFileSync(stamp, fingerprint);
}
