import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { importsOf } from "./imports.ts";
import { filesBelow, type Manifest, type Project, projectsIn, readJson } from "./workspace.ts";

const BELOW_TESTING = [
  "protocol",
  "server",
  "client",
  "auth",
  "cache",
  "monitoring",
  "resources",
  "workflow",
];

/** What each package may depend on inside the workspace: the arrows of the design. */
const MAY_DEPEND_ON: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  server: ["protocol"],
  client: ["protocol"],
  auth: ["protocol"],
  cache: ["protocol"],
  monitoring: ["protocol"],
  resources: ["protocol", "server"],
  workflow: ["protocol", "server", "client"],
  testing: BELOW_TESTING,
};

const SCOPE = "@backplane/";

/** Every dependency of the workspace under `root` that points the wrong way, as a sentence. */
export function levelViolations(root: string): string[] {
  const packages = projectsIn(root, "packages").flatMap((project) => {
    const allowed = MAY_DEPEND_ON[project.shortName];
    return allowed === undefined
      ? [`${project.folder}: has no place in the level table`]
      : projectViolations(project, allowed);
  });
  // Apps compose every package, but neither one another nor the test tools.
  const apps = projectsIn(root, "apps").flatMap((app) => projectViolations(app, BELOW_TESTING));
  return [...packages, ...apps];
}

function projectViolations(project: Project, allowed: readonly string[]): string[] {
  return [
    ...importViolations(project, allowed),
    ...manifestViolations(project, allowed),
    ...referenceViolations(project),
  ];
}

function importViolations(project: Project, allowed: readonly string[]): string[] {
  const declared = runtimeDependencies(project.manifest);
  const source = join(project.path, "src");
  return filesBelow(source)
    .filter((file) => /\.[mc]?[jt]s$/.test(file))
    .flatMap((file) =>
      importsOf(join(source, file)).flatMap(({ specifier }) => {
        const where = `${project.folder}/src/${file} imports ${specifier}`;
        if (specifier.startsWith(".")) {
          const target = relative(project.path, resolve(dirname(join(source, file)), specifier));
          return target.startsWith("..") ? [`${where}, outside its own folder`] : [];
        }
        const name = workspaceName(specifier);
        if (name === undefined || name === project.shortName) return [];
        if (!allowed.includes(name)) return [`${where}, against the direction of the levels`];
        // A type import counts: the published declarations keep it.
        const isTest = /\.test(-d)?\.ts$/.test(file);
        return isTest || declared.includes(name)
          ? []
          : [`${where}, which its "dependencies" do not list`];
      }),
    );
}

function manifestViolations(project: Project, allowed: readonly string[]): string[] {
  const { devDependencies } = project.manifest;
  return [...runtimeDependencies(project.manifest), ...workspaceNames(devDependencies)]
    .filter((name) => !allowed.includes(name))
    .map((name) => `${project.folder}/package.json: must not depend on ${SCOPE}${name}`);
}

/** `tsc -b` builds in the order of the references, so they say what the manifest says. */
function referenceViolations(project: Project): string[] {
  const file = join(project.path, "tsconfig.build.json");
  if (!existsSync(file)) return [`${project.folder}/tsconfig.build.json is missing`];
  const { references = [] } = readJson<{ references?: { path: string }[] }>(file);
  const referenced = references.map(({ path }) => {
    const target = resolve(project.path, path);
    const folder = target.endsWith(".json") ? dirname(target) : target;
    return readJson<Manifest>(join(folder, "package.json")).name.slice(SCOPE.length);
  });
  const declared = runtimeDependencies(project.manifest);
  const extra = referenced.filter((name) => !declared.includes(name));
  const missing = declared.filter((name) => !referenced.includes(name));
  return [
    ...extra.map((name) => `references ${name}, which package.json does not list`),
    ...missing.map((name) => `does not reference ${name}, which package.json lists`),
  ].map((problem) => `${project.folder}/tsconfig.build.json ${problem}`);
}

function runtimeDependencies(manifest: Manifest): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return workspaceNames({ ...dependencies, ...optionalDependencies, ...peerDependencies });
}

function workspaceNames(dependencies: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(dependencies).flatMap((name) => workspaceName(name) ?? []);
}

function workspaceName(specifier: string): string | undefined {
  return specifier.startsWith(SCOPE) ? specifier.slice(SCOPE.length).split("/")[0] : undefined;
}
