import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this repository. The guards take a root, so that a test can plant violations. */
export const repository: string = fileURLToPath(new URL("../..", import.meta.url)).replace(
  /\/$/,
  "",
);

/** What an entry of `imports` gives: a file, or one under each condition. */
export type ConditionalTarget = string | { readonly [condition: string]: ConditionalTarget };

/** What the guards read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly imports?: Readonly<Record<string, ConditionalTarget>>;
}

/** A package or an app of the workspace. */
export interface Project {
  /** "packages/server" */
  readonly folder: string;
  /** "server" */
  readonly shortName: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** The folders with a manifest under `packages` or `apps`. */
export function projectsIn(root: string, parent: "packages" | "apps"): Project[] {
  if (!existsSync(join(root, parent))) return [];
  return readdirSync(join(root, parent))
    .filter((name) => existsSync(join(root, parent, name, "package.json")))
    .sort()
    .map((name) => ({
      folder: `${parent}/${name}`,
      shortName: name,
      path: join(root, parent, name),
      manifest: readJson<Manifest>(join(root, parent, name, "package.json")),
    }));
}

/** Parses a JSON file that the caller knows the shape of. */
export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}

/** Every file below a folder, as paths from it with forward slashes. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
