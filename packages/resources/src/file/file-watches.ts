import { dirname, relative, sep } from "node:path";
import { watch } from "chokidar";
import type { FileSettings } from "./file-options.ts";
import { FolderWatch, readiness } from "./folder-watch.ts";

/**
 * Watches single files by their folders, so that one which is written, replaced by a rename, deleted or made
 * anew is noticed alike. A folder is watched once for all its watched files.
 */
export class FileWatches {
  readonly #folders = new Map<string, FolderWatch>();

  /** @returns the end of the watch, idempotent. @throws what the operating system says, such as too many watches. */
  async watchFile(file: string, onChange: () => void): Promise<() => Promise<void>> {
    const path = dirname(file);
    let folder = this.#folders.get(path);
    if (folder === undefined) {
      folder = new FolderWatch(path);
      this.#folders.set(path, folder);
    }
    const { listeners } = folder;
    const isNew = !listeners.has(file);
    const remove = listeners.add(file, onChange);
    const stop = async (): Promise<void> => {
      remove();
      if (!listeners.isEmpty || this.#folders.get(path) !== folder) return;
      this.#folders.delete(path);
      await folder.close();
    };
    try {
      await folder.ready;
      if (isNew) await folder.include(file);
    } catch (error) {
      await stop();
      throw error;
    }
    return stop;
  }
}

/**
 * Watches which files there are below the root: folders only, however many files they hold.
 * @throws {Error} when there are more folders than `maxWatchedFolders`.
 */
export async function watchNames(
  { root, isIgnored, maxWatchedFolders, maxDepth }: FileSettings,
  onChange: () => void,
): Promise<() => Promise<void>> {
  let folders = 0;
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    depth: maxDepth,
    ignored: (each, stats) => {
      if (each === root) return false;
      if (stats !== undefined && !stats.isDirectory()) return true;
      if (isIgnored(relative(root, each).split(sep))) return true;
      if (stats !== undefined) folders++;
      return folders > maxWatchedFolders;
    },
  });
  // Names that come and go are "rename" to the operating system; what is written into a file is not.
  watcher.on("raw", (event) => {
    if (event === "rename") onChange();
  });
  watcher.on("addDir", onChange).on("unlinkDir", onChange);
  try {
    await readiness(watcher, onChange);
    if (folders > maxWatchedFolders) {
      throw new Error(
        `FileResourceProvider: more than ${maxWatchedFolders} folders to watch; raise the option "maxWatchedFolders" or widen "ignore"`,
      );
    }
  } catch (error) {
    await watcher.close();
    throw error;
  }
  return () => watcher.close();
}
