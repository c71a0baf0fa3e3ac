// What the figures depend on: machine, Node.js, generator, package versions, commit.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { cachePackages } from "./cache-catalogue.mjs";
import { servers } from "./catalogue.mjs";
import { clientPackages } from "./client-catalogue.mjs";
import { loadGenerator } from "./load.mjs";
import { cores } from "./pinning.mjs";

function installedVersion(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}

function git(...args) {
  const cwd = new URL("../..", import.meta.url);
  const result = spawnSync("git", args, { cwd, encoding: "utf8" });
  return result.status === 0 ? result.stdout.trim() : "";
}

function commit() {
  const hash = git("rev-parse", "--short=12", "HEAD");
  const changed = git(
    "status",
    "--porcelain",
    "--",
    "packages",
    "bench",
    ":!bench/results",
    ":!bench/RESULTS.md",
  );
  return changed === "" ? hash : `${hash} with uncommitted changes`;
}

export function environment() {
  const peers = Object.values(servers).flatMap(({ packages }) => packages);
  const names = [
    ...new Set([...peers, ...clientPackages, ...cachePackages, "zod", "typescript"]),
  ].sort();
  const generator = loadGenerator();
  const isWrk = generator.name === "wrk";
  const version = isWrk ? generator.version : installedVersion("autocannon");
  return {
    commit: commit(),
    node: process.version,
    v8: process.versions.v8,
    system: `${type()} ${release()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    pinned: cores !== undefined,
    generator: `${generator.name} ${version}`,
    packages: Object.fromEntries(names.map((name) => [name, installedVersion(name)])),
  };
}
