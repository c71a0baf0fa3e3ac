import { join } from "node:path";
import { childEnv } from "./pnpm.mjs";
import { run } from "./process.mjs";
import { exitRow } from "./results.mjs";
import { root } from "./workspace.mjs";

/** Each static check: its name, the script that makes it, and the script's arguments. */
const CHECKS = [
  ["biome", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
  ["types", "node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"],
  ["knip", "node_modules/knip/bin/knip.js"],
  ["changesets", "scripts/check-changesets.mjs"],
  ["api reference: comments", "docs/api-reference.mjs", "--check"],
];

function tool(file, ...args) {
  return run(process.execPath, [join(root, file), ...args], { cwd: root, env: childEnv() });
}

/** All static checks, each of which runs whatever the others say. */
export async function checks() {
  const rows = [];
  for (const [name, ...command] of CHECKS) {
    console.log(`\n${name}`);
    rows.push(exitRow(name, await tool(...command)));
  }
  return rows;
}

/** publint and are-the-types-wrong on the tarballs of the public packages. */
export async function tarballs() {
  const name = "tarballs (publint, are the types wrong)";
  return [exitRow(name, await tool("scripts/check-tarballs.mjs"))];
}

/** Formats and applies the safe fixes of the linter. */
export function format() {
  return tool("node_modules/@biomejs/biome/bin/biome", "check", "--write");
}
