import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** Git-ignored: the pnpm shim, other Node versions, test results, tarballs. */
export const cacheDir = join(root, ".cache");

export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The `packages:` list of pnpm-workspace.yaml, which is one pattern per line. */
function patterns() {
  const yaml = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const block = /^packages:\n((?:[ ]+- .*\n)+)/m.exec(yaml)?.[1] ?? "";
  return block.split("\n").flatMap((line) => /- "?([^"\s]+)"?/.exec(line)?.[1] ?? []);
}

function foldersOf(pattern) {
  if (!pattern.endsWith("/*")) return [pattern];
  const parent = pattern.slice(0, -2);
  if (!existsSync(join(root, parent))) return [];
  return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
}

/** Every workspace project: its folder relative to the root, the folder's path, its manifest. */
export function projects() {
  return patterns()
    .flatMap(foldersOf)
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .sort()
    .map((folder) => ({
      folder,
      path: join(root, folder),
      manifest: readJson(join(root, folder, "package.json")),
    }));
}

/** The project's test files, relative to it, with forward slashes. */
export function testFiles(project) {
  return walk(project.path, "").filter((file) => file.endsWith(".test.ts"));
}

function walk(folder, prefix) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "dist") return [];
    if (entry.isDirectory()) return walk(join(folder, entry.name), `${prefix}${entry.name}/`);
    return entry.isFile() ? [`${prefix}${entry.name}`] : [];
  });
}
