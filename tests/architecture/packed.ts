import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { projectsIn, repository } from "./workspace.ts";

/** A package as it would be published. */
export interface Packed {
  readonly name: string;
  readonly tarball: string;
  readonly bytes: Uint8Array;
}

/** Packs every public package of this repository into a folder that ends with the test. */
export function packAll(): Packed[] {
  const destination = mkdtempSync(join(tmpdir(), "backplane-packed-"));
  onTestFinished(() => rmSync(destination, { recursive: true, force: true }));
  return packInto(destination);
}

/** Packs every public package of this repository. */
export function packInto(destination: string): Packed[] {
  return projectsIn(repository, "packages")
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ path, manifest }) => {
      const script = join(repository, "scripts/run.mjs");
      const args = [script, "pnpm", "pack", "--json", "--pack-destination", destination];
      const out = execFileSync(process.execPath, args, { cwd: path, encoding: "utf8" });
      const { filename } = JSON.parse(out) as { filename: string };
      return { name: manifest.name, tarball: filename, bytes: readFileSync(filename) };
    });
}
