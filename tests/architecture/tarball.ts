import { gunzipSync } from "node:zlib";
import type { ConditionalTarget } from "./workspace.ts";

const BLOCK_BYTES = 512;

/** The files of an npm tarball by their path in the package. */
export function readTarball(gzipped: Uint8Array): Map<string, string> {
  const tar = gunzipSync(gzipped);
  const files = new Map<string, string>();
  let offset = 0;
  while (offset + BLOCK_BYTES <= tar.length && tar[offset] !== 0) {
    const text = (from: number, length: number): string =>
      tar.toString("utf8", offset + from, offset + from + length).replace(/\0.*$/s, "");
    // The ustar header: name, size in octal, type ("0" is a file), prefix of a long name.
    const [name, size, type, prefix] = [text(0, 100), text(124, 12), text(156, 1), text(345, 155)];
    const bytes = Number.parseInt(size, 8);
    offset += BLOCK_BYTES;
    if (type === "0" || type === "") {
      const path = prefix === "" ? name : `${prefix}/${name}`;
      files.set(path.replace(/^package\//, ""), tar.toString("utf8", offset, offset + bytes));
    }
    offset += Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}

/** What a published package must not hold, and what it must. */
export function tarballViolations(files: ReadonlyMap<string, string>): string[] {
  const manifest = files.get("package.json");
  if (manifest === undefined) return ["no package.json"];
  const inManifest = ["@backplane/source", "workspace:", "catalog:"].filter((text) =>
    manifest.includes(text),
  );
  const unwanted = [...files.keys()].filter((file) => !isPublished(file));
  const { exports = {}, imports = {} } = JSON.parse(manifest) as {
    exports?: ConditionalTarget;
    imports?: ConditionalTarget;
  };
  const missing = [exports, imports]
    .flatMap(filesOf)
    .filter((target) => target.startsWith("./") && !files.has(target.slice(2)));
  return [
    ...inManifest.map((text) => `package.json holds ${text}`),
    ...unwanted.map((file) => `${file} does not belong there`),
    ...missing.map((target) => `${target} is promised but not there`),
    ...(files.has("LICENSE") ? [] : ["no LICENSE"]),
  ];
}

/** The files that `exports` or `imports` lead to. */
function filesOf(target: ConditionalTarget): string[] {
  return typeof target === "string" ? [target] : Object.values(target).flatMap(filesOf);
}

function isPublished(file: string): boolean {
  if (["package.json", "LICENSE", "README.md", "CHANGELOG.md"].includes(file)) return true;
  return /^dist\/.+\.(js|js\.map|d\.ts)$/.test(file) && !/\.test(-d)?\./.test(file);
}
