import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv } from "../tooling/fixture.ts";
import { packInto } from "./packed.ts";
import { type Manifest, projectsIn, readJson, repository } from "./workspace.ts";

const INSTALL_MS = 240_000;
const MAX_SERVER_BYTES = 5 * 1024 * 1024;

/** The optional peer of each entry that has one. Every other entry has to do without any. */
const PEERS: Readonly<Record<string, string>> = {
  "@backplane/auth/client": "@modelcontextprotocol/client",
  "@backplane/auth/redis": "ioredis",
  "@backplane/cache/redis": "ioredis",
  "@backplane/client/sdk-v1": "@modelcontextprotocol/sdk",
  "@backplane/client/sdk-v2": "@modelcontextprotocol/client",
  "@backplane/monitoring": "@opentelemetry/api",
  "@backplane/resources/postgres": "pg",
  "@backplane/server/express": "express",
  "@backplane/server/fastify": "fastify",
  "@backplane/server/hono": "hono",
  "@backplane/server/redis": "ioredis",
  "@backplane/server/sdk-v1": "@modelcontextprotocol/sdk",
  "@backplane/server/sdk-v2": "@modelcontextprotocol/server",
  "@backplane/testing/fuzz": "fast-check",
  "@backplane/testing/vitest": "vitest",
};

const projects = projectsIn(repository, "packages");
const manifests = new Map(projects.map(({ manifest }) => [manifest.name, manifest]));

/** A package and the packages of this workspace that it needs, and they. */
function closureOf(name: string): string[] {
  const { dependencies = {} } = manifests.get(name) as Manifest;
  const own = Object.keys(dependencies).filter((each) => manifests.has(each));
  return [...new Set([name, ...own.flatMap(closureOf)])];
}

const entriesOf = ({ name, exports = {} }: Manifest): string[] =>
  Object.keys(exports).map((entry) => name + entry.slice(1));

/** The version of a peer that this workspace is tested with. */
function versionOf(peer: string, path: string): string {
  return readJson<{ version: string }>(join(path, "node_modules", peer, "package.json")).version;
}

/** A user's program that imports entries. */
const program = (entries: readonly string[]): string =>
  entries
    .map((entry, n) => {
      const check = `if (Object.keys(p${n}).length === 0) throw new Error("an empty entry");`;
      return `import * as p${n} from ${JSON.stringify(entry)};\n${check}\n`;
    })
    .join("");

const env = bareEnv(process.env["PATH"] ?? "");

/** Type-checks programs without `skipLibCheck`, and runs them. */
function checkAndRun(folder: string, programs: Readonly<Record<string, string>>): void {
  const compilerOptions = {
    target: "ES2023",
    module: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ["node"],
  };
  const files = Object.keys(programs).map((name) => `${name}.ts`);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, `${name}.ts`), text);
  }
  execute(folder, process.execPath, join(repository, "node_modules/typescript/bin/tsc"), "-p", ".");
  for (const name of Object.keys(programs)) execute(folder, process.execPath, `${name}.js`);
}

function execute(cwd: string, command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { cwd, env, stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer };
    throw new Error(`${args.join(" ")}:\n${stdout}${stderr}`, { cause: error });
  }
}

function npmInstall(cwd: string, ...packages: string[]): void {
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--no-save"];
  execute(cwd, "npm", "install", ...flags, ...packages);
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

describe("packages installed from their tarballs, outside the workspace", () => {
  let root: string;
  const tarballs = new Map<string, string>();

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "backplane-consumer-"));
    mkdirSync(join(root, "tarballs"));
    for (const { name, tarball } of packInto(join(root, "tarballs"))) tarballs.set(name, tarball);
  }, INSTALL_MS);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("covers every optional peer", () => {
    const declared = projects.flatMap(({ manifest }) =>
      Object.keys(manifest.peerDependencies ?? {}).map((peer) => `${manifest.name} ${peer}`),
    );
    const covered = Object.entries(PEERS).map(
      ([entry, peer]) => `${entry.split("/").slice(0, 2).join("/")} ${peer}`,
    );
    expect([...new Set(covered)].sort()).toEqual(declared.sort());
  });

  describe.each(projects)("$manifest.name", ({ manifest, shortName, path }) => {
    const { name } = manifest;
    let base: string;

    it(
      "works with the packages of its own that it needs, and no optional peer",
      () => {
        base = join(root, shortName);
        mkdirSync(base);
        const files = closureOf(name).map((each) => [each, `file:${tarballs.get(each)}`]);
        const dependencies = Object.fromEntries(files);
        writeFileSync(join(base, "package.json"), JSON.stringify({ type: "module", dependencies }));
        npmInstall(base);
        for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
          expect(readdirSync(join(base, "node_modules"))).not.toContain(peer);
        }
        if (shortName === "server") {
          const bytes = bytesBelow(join(base, "node_modules"));
          console.log(`@backplane/server and what it needs: ${(bytes / 1024 ** 2).toFixed(2)} MB`);
          expect(bytes).toBeLessThan(MAX_SERVER_BYTES);
        }
        npmInstall(base, "@types/node@20");
        const smoke = join(repository, "tests/architecture/smoke", `${shortName}.ts`);
        const entries = entriesOf(manifest).filter((entry) => entry === name || !(entry in PEERS));
        checkAndRun(base, { smoke: readFileSync(smoke, "utf8"), entries: program(entries) });
      },
      INSTALL_MS,
    );

    const withPeer = entriesOf(manifest).filter((entry) => entry in PEERS);
    it.each(withPeer)(
      "%s works with its one peer",
      (entry) => {
        const peer = PEERS[entry] as string;
        const folder = join(root, entry.replace(/\W/g, "-"));
        cpSync(base, folder, { recursive: true, verbatimSymlinks: true });
        const types = peer === "pg" || peer === "express" ? [`@types/${peer}`] : [];
        npmInstall(folder, "@types/node@20", `${peer}@${versionOf(peer, path)}`, ...types);
        checkAndRun(folder, { entries: program([entry]) });
      },
      INSTALL_MS,
    );
  });
});
