import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, ToolError } from "./process.mjs";
import { cacheDir, projects, readJson, root } from "./workspace.mjs";

const binDir = join(cacheDir, "bin");
const shim = join(binDir, "pnpm");
const stamp = join(root, "node_modules", ".backplane-install");

/**
 * The environment of every child: pnpm is on PATH as a shim, because turbo looks its package
 * manager up there, and what npm put into the environment for its own scripts is taken out,
 * because pnpm would read it as configuration.
 */
export function childEnv(extra = {}) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1" };
  for (const name of Object.keys(env)) {
    if (/^npm_(package|lifecycle|command|execpath|node_execpath|config_user_agent)/.test(name)) {
      delete env[name];
    }
  }
  // In a log, colours are noise around the lines that people search for.
  if (!process.stdout.isTTY && env.FORCE_COLOR === undefined) env.NO_COLOR = "1";
  return { ...env, PATH: `${binDir}${delimiter}${process.env.PATH ?? ""}`, ...extra };
}

function pinnedVersion() {
  const pin = /^pnpm@(\d+\.\d+\.\d+)/.exec(readJson(join(root, "package.json")).packageManager);
  if (pin === null) throw new ToolError('package.json: "packageManager" must be pnpm@<version>.');
  return pin[1];
}

/**
 * Puts `.cache/bin/pnpm` in place. npx downloads the pinned version once and tells where it lies;
 * after that the shim starts it directly, since npx itself takes most of a second.
 */
function bringPnpm() {
  const version = pinnedVersion();
  const comment = `# pnpm ${version}`;
  if (existsSync(shim)) {
    const [, name, command] = readFileSync(shim, "utf8").split("\n");
    const target = /^exec "(.*)" "\$@"$/.exec(command)?.[1];
    if (name === comment && target !== undefined && existsSync(target)) return;
  }
  const target = locate(version);
  mkdirSync(binDir, { recursive: true });
  const draft = `${shim}.${process.pid}`;
  writeFileSync(draft, `#!/bin/sh\n${comment}\nexec "${target}" "$@"\n`);
  chmodSync(draft, 0o755);
  renameSync(draft, shim);
}

function locate(version) {
  const args = ["--yes", "--package", `pnpm@${version}`, "-c", "command -v pnpm"];
  try {
    const out = execFileSync("npx", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const target = out.trim().split("\n").at(-1);
    if (target) return target;
  } catch (cause) {
    throw new ToolError(
      `npx could not bring pnpm ${version}; it needs the npm registry the first time.`,
      { cause },
    );
  }
  throw new ToolError(`npx brought no pnpm ${version}.`);
}

/** What an installation depends on; equal fingerprints need no second one. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  const manifests = projects().map(({ path }) => join(path, "package.json"));
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"]) {
    if (existsSync(join(root, name))) manifests.push(join(root, name));
  }
  for (const path of manifests) hash.update(path.slice(root.length)).update(readFileSync(path));
  return hash.digest("hex");
}

function isInstalled() {
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== fingerprint()) return false;
  return projects().every(({ path, manifest }) => {
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
    return Object.keys(wanted).length === 0 || existsSync(join(path, "node_modules"));
  });
}

/** Installs the workspace when a manifest or the lockfile changed since the last time. */
export async function install() {
  bringPnpm();
  if (isInstalled()) return;
  // Outside CI a manifest may be ahead of the lockfile: then pnpm brings the lockfile up to date.
  const args = process.env.CI ? ["install", "--frozen-lockfile"] : ["install"];
  const code = await run(shim, args, { cwd: root, env: childEnv(), output: "stderr" });
  if (code !== 0) throw new ToolError(`pnpm install failed with exit code ${code}.`);
  writeFileSync(stamp, fingerprint());
}

/** Runs the pinned pnpm in the current folder and this terminal; resolves with its exit code. */
export function pnpm(args) {
  bringPnpm();
  return run(shim, args, { env: childEnv(), output: "inherit" });
}
