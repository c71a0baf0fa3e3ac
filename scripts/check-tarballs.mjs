// Packs every public package as it would be published, and asks publint and are-the-types-wrong
// about the tarball: what they say about a folder says nothing about what a user installs.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { childEnv } from "./lib/pnpm.mjs";
import { run } from "./lib/process.mjs";
import { cacheDir, projects, root } from "./lib/workspace.mjs";

const destination = join(cacheDir, "tarballs");
const attw = join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");

/** The path of the project's tarball, or undefined after pnpm has said why there is none. */
function pack({ path }) {
  const args = ["pack", "--json", "--pack-destination", destination];
  const options = { cwd: path, env: childEnv(), stdio: ["ignore", "pipe", "inherit"] };
  try {
    return JSON.parse(execFileSync("pnpm", args, options).toString()).filename;
  } catch {
    return undefined;
  }
}

async function lint(project, tarball) {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: buffer } });
  for (const message of messages) console.error(`  publint: ${formatMessage(message, pkg)}`);
  // attw's own table is long: without findings one line says enough.
  const code = await run(process.execPath, [attw, tarball, "--profile", "esm-only", "--quiet"]);
  if (code !== 0) {
    console.error(`  are the types wrong: ${project.manifest.name}`);
    await run(process.execPath, [attw, tarball, "--profile", "esm-only", "--format", "ascii"]);
  }
  return messages.length === 0 && code === 0;
}

rmSync(destination, { recursive: true, force: true });
mkdirSync(destination, { recursive: true });
const failed = [];
for (const project of projects().filter(({ manifest }) => manifest.private !== true)) {
  const tarball = pack(project);
  const ok = tarball !== undefined && (await lint(project, tarball));
  console.log(`${ok ? "ok" : "failed"}  ${project.manifest.name}`);
  if (!ok) failed.push(project.manifest.name);
}
if (failed.length > 0) process.exitCode = 1;
