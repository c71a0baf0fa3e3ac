import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileSettings } from "./file-options.ts";
import { partsInside } from "./parts-inside.ts";

/** A regular file below the root, open. */
export interface OpenedFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/** A pipe without a writer must not keep the open waiting, and a terminal must not become ours. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** Errors of a path that leads to nothing that can be read. */
const NOTHING: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EACCES",
  "EPERM",
  "ELOOP",
  "ENAMETOOLONG",
  "EISDIR",
  "ENXIO",
  "ENODEV",
  "EINVAL",
]);

/**
 * Opens a file below the root. First it is opened, then what was opened is compared with what its real path
 * leads to: a link that is exchanged meanwhile gains nothing, because the file that was checked is the file
 * that is read.
 * @returns undefined for whatever is not there, leads out of the root, is ignored, or is no regular file.
 */
export async function openInside(
  settings: FileSettings,
  path: readonly string[],
): Promise<OpenedFile | undefined> {
  const { root, rejectMultiplyLinked, isIgnored } = settings;
  if (isIgnored(path)) return undefined;
  const full = join(root, ...path);
  let handle: FileHandle | undefined;
  let kept = false;
  try {
    // Opening a device can do things; this look costs nothing and decides nothing.
    if (!(await stat(full)).isFile()) return undefined;
    handle = await open(full, FLAGS);
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile() || (rejectMultiplyLinked && stats.nlink > 1n)) return undefined;
    const [realRoot, real] = await Promise.all([realpath(root), realpath(full)]);
    const parts = partsInside(realRoot, real);
    if (parts === undefined || isIgnored(parts) || isOtherSpelling(path, parts)) return undefined;
    const there = await stat(real, { bigint: true });
    if (there.dev !== stats.dev || there.ino !== stats.ino) return undefined;
    kept = true;
    return { handle, stats };
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  } finally {
    if (!kept) await handle?.close();
  }
}

/** A file system that ignores case finds a file by names that no rule of the policy knows. */
function isOtherSpelling(path: readonly string[], real: readonly string[]): boolean {
  const [asked, found] = [path.join("/"), real.join("/")];
  return asked !== found && asked.normalize().toLowerCase() === found.normalize().toLowerCase();
}
