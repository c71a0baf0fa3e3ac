// node scripts/bundle.mjs [package folder…]: makes the JavaScript of the packages in dist from their
// sources, one file per entry of `exports` and `imports`, and a few shared chunks; without arguments, of all packages.
// The types beside it come from `tsc -b`. Node loads a module graph file by file: as one file the server
// imports in a quarter of the time that its hundred modules take.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { argv, cwd } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const SOURCE_CONDITION = "@backplane/source";
const STAMP = ".bundle-stamp";

/** The entries of a package: `dist/sdk-v1.js` is made from `src/sdk-v1.ts`. */
function entriesOf(folder, { exports, imports = {} }) {
  return Object.fromEntries(
    [exports, imports]
      .flatMap(targetsIn)
      .map((target) => [
        target.default.replace(/^\.\/dist\/|\.js$/g, ""),
        join(folder, target[SOURCE_CONDITION]),
      ]),
  );
}

/** What names a source, however many conditions it stands under. */
function targetsIn(conditions) {
  if (SOURCE_CONDITION in conditions) return [conditions];
  return Object.values(conditions).flatMap((value) =>
    typeof value === "object" ? targetsIn(value) : [],
  );
}

function filesBelow(folder, wanted) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Changes with everything that the bundle is made from. */
function fingerprintOf(folder) {
  const isSource = (name) => !/\.test(-d|-support)?\.ts$/.test(name);
  const sources = filesBelow(join(folder, "src"), isSource);
  const hash = createHash("sha256");
  for (const file of [...sources, join(folder, "package.json"), fileURLToPath(import.meta.url)]) {
    hash.update(relative(folder, file)).update(readFileSync(file));
  }
  return hash.digest("hex");
}

const RAW = "?raw";
/** `import text from "./page.html?raw"` is the text of that file, as it is in vite, which runs the tests. */
const rawTexts = {
  name: "raw-texts",
  resolveId: (id, importer) =>
    id.endsWith(RAW) && importer ? resolve(dirname(importer), id) : undefined,
  load: (id) =>
    id.endsWith(RAW)
      ? {
          code: `export default ${JSON.stringify(readFileSync(id.slice(0, -RAW.length), "utf8"))};`,
          moduleType: "js",
        }
      : undefined,
};

async function bundle(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const dist = join(folder, "dist");
  const stamp = join(dist, STAMP);
  const fingerprint = fingerprintOf(folder);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint) return;
  rmSync(stamp, { force: true });
  for (const file of filesBelow(dist, (name) => /\.js(\.map)?$/.test(name))) rmSync(file);
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: entriesOf(folder, manifest),
    // What is not a file of this package stays an import: workspace packages, libraries, Node.
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    plugins: [rawTexts],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`${manifest.name}: ${log.message}`);
    },
  });
  await build.write({
    dir: dist,
    format: "esm",
    sourcemap: true,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  });
  await build.close();
  writeFileSync(stamp, fingerprint);
}

const given = argv.slice(2).map((folder) => resolve(cwd(), folder));
const all = () =>
  readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .filter((folder) => existsSync(join(folder, "package.json")));
for (const folder of given.length > 0 ? given : all()) await bundle(folder);
