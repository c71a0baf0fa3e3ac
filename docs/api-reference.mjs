// The API reference of every entry of every public package, from its sources.
//   node docs/api-reference.mjs                 writes docs/api (git-ignored)
//   node docs/api-reference.mjs --check         writes nothing; a symbol without a comment fails
//   node docs/api-reference.mjs --check FOLDER  the same for another workspace, with its own tsconfig.json

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Application, ReferenceReflection, ReflectionKind, TSConfigReader } from "typedoc";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: "boolean", default: false } },
});
const docs = fileURLToPath(new URL(".", import.meta.url));
const root = positionals[0] === undefined ? resolve(docs, "..") : resolve(positionals[0]);
const tsconfig = join(positionals[0] === undefined ? docs : root, "tsconfig.json");

const packages = readdirSync(join(root, "packages"))
  .map((folder) => join(root, "packages", folder))
  .map((path) => ({ path, ...JSON.parse(readFileSync(join(path, "package.json"), "utf8")) }));

/** Source file → the name that users import: "@backplane/server/redis". */
const entries = new Map(
  packages.flatMap(({ path, name, exports }) =>
    Object.entries(exports)
      .filter(([, target]) => target["@backplane/source"] !== undefined)
      .map(([entry, target]) => [join(path, target["@backplane/source"]), name + entry.slice(1)]),
  ),
);

const app = await Application.bootstrapWithPlugins(
  {
    name: "Backplane",
    entryPoints: [...entries.keys()],
    tsconfig,
    basePath: root,
    displayBasePath: root,
    readme: "none",
    alwaysCreateEntryPointModule: true,
    // Types are what `npm run check` looks at.
    skipErrorChecking: true,
    excludeInternal: true,
    excludePrivate: true,
    disableGit: true,
    sourceLinkTemplate: "../../../{path}",
    validation: { notExported: false, notDocumented: false, invalidLink: true },
    externalSymbolLinkMappings: {
      typescript: {
        Error: "https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/Error",
      },
    },
    logLevel: "Warn",
  },
  [new TSConfigReader()],
);

/** Whether it says what it is; what is exported once more is looked at where it is declared. */
function isDocumented(reflection) {
  if (reflection instanceof ReferenceReflection || reflection.hasComment()) return true;
  const { signatures, type } = reflection;
  return [...(signatures ?? []), ...(type?.declaration?.signatures ?? [])].some((signature) =>
    signature.hasComment(),
  );
}

/**
 * The exported symbols without a comment. TypeDoc's own check wants one on every method and member too, where
 * often the name says all.
 */
function undocumented({ children = [] }) {
  return children.flatMap((child) => [
    ...(isDocumented(child) ? [] : [child.name]),
    ...(child.kindOf(ReflectionKind.Namespace) ? undocumented(child) : []),
  ]);
}

const project = await app.convert();
if (project === undefined) process.exit(1);
for (const module of project.children ?? []) {
  module.name = entries.get(module.sources?.[0]?.fullFileName) ?? module.name;
}
app.validate(project);
for (const module of project.children ?? []) {
  for (const name of undocumented(module))
    app.logger.error(`${module.name}: ${name} has no comment`);
}
if (!values.check) await app.generateDocs(project, join(docs, "api"));
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
