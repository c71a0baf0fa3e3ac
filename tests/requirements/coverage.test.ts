import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { client20251125 } from "./client-2025-11-25.ts";
import { client20260728 } from "./client-2026-07-28.ts";
import { clientAuth20260728 } from "./client-auth-2026-07-28.ts";
import { misnumbered, uncovered, type World } from "./coverage.ts";
import { resourceServer20260728 } from "./resource-server-2026-07-28.ts";
import { server20251125 } from "./server-2025-11-25.ts";
import { server20260728 } from "./server-2026-07-28.ts";

const tests = join(import.meta.dirname, "..");
const repository = join(tests, "..");

function readSource(path: string): string | undefined {
  const file = join(repository, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

const testFolders = ["protocol", "client", "faults", "auth", "interop", "conformance", "resources"]
  .map((folder) => join(tests, folder))
  // Its flows are tested over HTTP where they stand.
  .concat(join(repository, "packages", "auth", "src", "client"));

const testFiles = testFolders
  .flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
      : [],
  )
  .filter((path) => path.endsWith(".test.ts"))
  .map((path) => ({ path: relative(repository, path), source: readFileSync(path, "utf8") }));

const world: World = {
  testFiles,
  packageExists: (name) => existsSync(join(repository, "packages", name, "src", "index.ts")),
  readSource,
};

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

it("lists every server duty of 2026-07-28 once", () => {
  expect(misnumbered(server20260728, "S26", range(1, 52))).toEqual([]);
});

it("lists every server duty of 2025-11-25 once", () => {
  expect(misnumbered(server20251125, "S25", [...range(1, 14), 23, 24])).toEqual([]);
});

it("lists every client duty of 2026-07-28 once", () => {
  expect(misnumbered(client20260728, "C26", range(1, 30))).toEqual([]);
});

it("lists every client duty of 2025-11-25 once", () => {
  expect(misnumbered(client20251125, "C25", range(15, 24))).toEqual([]);
});

it("lists every duty of an OAuth client of 2026-07-28 once", () => {
  expect(misnumbered(clientAuth20260728, "A26", range(1, 18))).toEqual([]);
});

it("lists every duty of a resource server of 2026-07-28 once", () => {
  expect(misnumbered(resourceServer20260728, "R26", range(1, 12))).toEqual([]);
});

it("has the promised proof of every duty, and cites no duty that does not exist", () => {
  const all = [
    ...server20260728,
    ...server20251125,
    ...client20260728,
    ...client20251125,
    ...clientAuth20260728,
    ...resourceServer20260728,
  ];
  expect(uncovered(all, world)).toEqual([]);
});
