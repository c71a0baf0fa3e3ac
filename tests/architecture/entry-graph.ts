import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { importsOf } from "./imports.ts";
import { type ConditionalTarget, type Project, projectsIn } from "./workspace.ts";

/** The Node built-ins that edge runtimes have too. */
const ALLOWED_BUILTINS: readonly string[] = [
  "node:async_hooks",
  "node:buffer",
  "node:diagnostics_channel",
];

/**
 * Third-party modules that a root entry may load at once. Schema libraries, validators, undici and
 * the SDKs load when something uses them. Whoever adds a line here has weighed what it
 * costs every importer.
 */
const ALLOWED_THIRD_PARTY: readonly string[] = [
  // 60 KB without dependencies, and the whole of what `new MCPCache()` is for; loaded later, every look-up would wait.
  "lru-cache",
];

/**
 * Walks the static imports of every package's built root entry and returns what must not be
 * there, with the chain of files that leads to it. A package may have subpaths only; one without
 * any entry is a mistake.
 */
export function entryGraphViolations(root: string): string[] {
  const packages = projectsIn(root, "packages");
  return packages.flatMap((project) => {
    const entry = entryFile(project, ".");
    if (entry === undefined) {
      return project.manifest.exports === undefined ? [`${project.folder}: no entry`] : [];
    }
    if (!existsSync(entry)) return [`${relative(root, entry)} is not built`];
    return walk(entry, { root, packages, seen: new Set() }, [relative(root, entry)]);
  });
}

interface Walk {
  readonly root: string;
  readonly packages: readonly Project[];
  readonly seen: Set<string>;
}

function walk(file: string, state: Walk, chain: readonly string[]): string[] {
  if (state.seen.has(file)) return [];
  state.seen.add(file);
  return importsOf(file)
    .filter(({ kind }) => kind === "static")
    .flatMap(({ specifier }) => {
      const step = follow(specifier, file, state);
      if (step === undefined) return [];
      if ("refused" in step) return [`${[...chain, specifier].join(" → ")}: ${step.refused}`];
      const name = relative(state.root, step.file);
      if (!existsSync(step.file)) return [`${[...chain, name].join(" → ")}: not built`];
      return walk(step.file, state, [...chain, name]);
    });
}

/** Where a specifier leads: a file to walk on, a refusal, or nothing more to see. */
function follow(
  specifier: string,
  from: string,
  { packages }: Walk,
): { readonly file: string } | { readonly refused: string } | undefined {
  if (specifier.startsWith(".")) return { file: resolve(dirname(from), specifier) };
  if (isBuiltin(specifier)) {
    return ALLOWED_BUILTINS.includes(specifier) ? undefined : { refused: "a Node built-in" };
  }
  if (specifier.startsWith("#")) return followPrivate(specifier, from, packages);
  const [scope, name] = specifier.split("/");
  const project = packages.find(({ manifest }) => manifest.name === `${scope}/${name}`);
  if (project !== undefined) {
    const subpath = `.${specifier.slice(project.manifest.name.length)}`;
    return targetOf(entryFile(project, subpath), "not exported");
  }
  const dependency = specifier.startsWith("@") ? `${scope}/${name}` : (scope ?? specifier);
  return ALLOWED_THIRD_PARTY.includes(dependency) ? undefined : { refused: "a third-party module" };
}

/** `#http` may mean undici on Node: what counts is what a runtime without Node gets. */
function followPrivate(
  specifier: string,
  from: string,
  packages: readonly Project[],
): { readonly file: string } | { readonly refused: string } {
  const owner = packages.find(({ path }) => from.startsWith(`${path}/`));
  const target = defaultOf(owner?.manifest.imports?.[specifier]);
  const file = owner !== undefined && target !== undefined ? join(owner.path, target) : undefined;
  return targetOf(file, "no default condition in package.json");
}

function defaultOf(target: ConditionalTarget | undefined): string | undefined {
  return typeof target === "object" ? defaultOf(target["default"]) : target;
}

function targetOf(
  file: string | undefined,
  refused: string,
): { readonly file: string } | { readonly refused: string } {
  return file === undefined ? { refused } : { file };
}

function entryFile({ path, manifest }: Project, subpath: string): string | undefined {
  const target = manifest.exports?.[subpath]?.["default"];
  return target === undefined ? undefined : join(path, target);
}
