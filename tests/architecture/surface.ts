import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { type Project, projectsIn } from "./workspace.ts";

/** One snapshot a package, beside this file. */
export const SURFACE_FOLDER = "tests/architecture/surface";

/** The names that each entry of a package exports, sorted, types marked, one section an entry. */
function surfaceOf({ path, manifest }: Project): string {
  const sections = Object.entries(manifest.exports ?? {}).map(([subpath, conditions]) => {
    const source = conditions["@backplane/source"];
    if (source === undefined) throw new Error(`${manifest.name}: ${subpath} has no source`);
    const names = exportedNames(join(path, source));
    return [`# ${manifest.name}${subpath.slice(1)}`, ...names, ""].join("\n");
  });
  return sections.join("\n");
}

function exportedNames(file: string): string[] {
  const { module } = parseSync(file, readFileSync(file, "utf8"));
  return module.staticExports
    .flatMap(({ entries }) => entries)
    .map(({ exportName, isType }) => {
      if (exportName.kind === "None") throw new Error(`${file}: export * hides what is exported`);
      const name = exportName.kind === "Default" ? "default" : exportName.name;
      return isType ? `type ${name}` : `${name}`;
    })
    .toSorted(byName);
}

/** `MCPServer` beside `type MCPServerOptions`; by code unit, so that no locale reorders it. */
function byName(a: string, b: string): number {
  const [left, right] = [a.replace("type ", ""), b.replace("type ", "")];
  return left < right ? -1 : Number(left > right);
}

/** What the snapshot of every package should hold, by file name. */
function wanted(root: string): Map<string, string> {
  const published = projectsIn(root, "packages").filter(({ manifest }) => !manifest.private);
  return new Map(published.map((project) => [`${project.shortName}.txt`, surfaceOf(project)]));
}

/** Snapshots that differ from the source, are missing, or belong to no package. */
export function surfaceViolations(root: string): string[] {
  const folder = join(root, SURFACE_FOLDER);
  const surfaces = wanted(root);
  const stale = [...surfaces].flatMap(([file, text]) => {
    const committed = existsSync(join(folder, file))
      ? readFileSync(join(folder, file), "utf8")
      : "";
    return difference(committed, text).map((line) => `${file}: ${line}`);
  });
  const existing = existsSync(folder) ? readdirSync(folder) : [];
  const orphans = existing.filter((file) => !surfaces.has(file));
  return [...stale, ...orphans.map((file) => `${file}: no such package`)];
}

/** Lines that only one of the two has, section by section. */
function difference(before: string, after: string): string[] {
  if (before === after) return [];
  const [old, now] = [qualified(before), qualified(after)];
  const removed = old.filter((line) => !now.includes(line)).map((line) => `- ${line}`);
  const added = now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`);
  const lines = [...removed, ...added];
  return lines.length > 0 ? lines : ["differs in order or spacing"];
}

function qualified(text: string): string[] {
  let section = "";
  return text.split("\n").flatMap((line) => {
    if (line.startsWith("# ")) {
      section = line.slice(2);
      return [section];
    }
    return line === "" ? [] : [`${section} ${line}`];
  });
}

/** Makes the snapshots agree with the source. */
export function updateSurface(root: string): void {
  const folder = join(root, SURFACE_FOLDER);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of wanted(root)) writeFileSync(join(folder, file), text);
}
