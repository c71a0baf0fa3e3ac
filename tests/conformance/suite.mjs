import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const repository = join(here, "..", "..");
const manifestFiles = ["package.json", "package-lock.json"];
const minimumNodeMajor = 22;

function manifestDigest() {
  const hash = createHash("sha256");
  for (const file of manifestFiles) hash.update(readFileSync(join(here, "suite", file)));
  return hash.digest("hex").slice(0, 16);
}

/**
 * Installs the suite into the git-ignored cache and returns its folder. It stays out of the
 * workspace because one of its dependencies needs Node 22. `npm ci` checks the suite and all it
 * depends on against the hashes of the committed lock file.
 */
export function installSuite() {
  const cache = join(repository, ".cache", "conformance");
  const home = join(cache, manifestDigest());
  if (!existsSync(home)) {
    mkdirSync(cache, { recursive: true });
    const staging = mkdtempSync(join(cache, "install-"));
    try {
      for (const file of manifestFiles)
        copyFileSync(join(here, "suite", file), join(staging, file));
      const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      execFileSync("npm", ["ci", ...flags], {
        cwd: staging,
        stdio: ["ignore", "ignore", "inherit"],
      });
      moveInto(staging, home);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  }
  return join(home, "node_modules", "@modelcontextprotocol", "conformance");
}

function moveInto(staging, home) {
  try {
    renameSync(staging, home);
  } catch (error) {
    // Two runs may install at the same time: the first rename wins, both copies are equal.
    if (!existsSync(home)) throw error;
  }
}

/** The Node binary that runs the suite: this one when it is new enough, else a fetched one. */
export function nodeForSuite() {
  if (Number.parseInt(process.versions.node, 10) >= minimumNodeMajor) return process.execPath;
  const script = join(repository, "scripts", "node.mjs");
  return execFileSync(process.execPath, [script, "24"], { encoding: "utf8" }).trim();
}
