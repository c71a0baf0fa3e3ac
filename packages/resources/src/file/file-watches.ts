import { stat } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { Listeners } from "../internal/listeners.ts";
import type { FileSettings } from "./file-options.ts";

interface WatchedFolder {
  readonly watcher: FSWatcher;
  readonly ready: Promise<void>;
  /** By path of the file. */
  readonly listeners: Listeners;
}

/**
 * Watches single files by their folders, so that one which is written, replaced by a rename, deleted or made
 * anew is noticed alike. A folder is watched once for all its watched files.
 */
export class FileWatches {
  readonly #folders = new Map<string, WatchedFolder>();

  /** @returns the end of the watch, idempotent. @throws what the operating system says, such as too many watches. */
  async watchFile(file: string, onChange: () => void): Promise<() => Promise<void>> {
    const path = dirname(file);
    let folder = this.#folders.get(path);
    if (folder === undefined) {
      folder = openFolder(path);
      this.#folders.set(path, folder);
    }
    const { listeners, watcher, ready } = folder;
    const isNew = !listeners.has(file);
    const remove = listeners.add(file, onChange);
    const stop = async (): Promise<void> => {
      remove();
      if (!listeners.isEmpty || this.#folders.get(path) !== folder) return;
      this.#folders.delete(path);
      await watcher.close();
    };
    try {
      await ready;
      // What is there already was left out when the folder was read; what comes later is seen by itself.
      if (isNew && (await exists(file))) watcher.add(file);
    } catch (error) {
      await stop();
      throw error;
    }
    return stop;
  }
}

function openFolder(path: string): WatchedFolder {
  const listeners = new Listeners();
  const watcher = watch(path, {
    ignoreInitial: true,
    // The folders above are looked at when the folder does not exist yet.
    ignored: (each) =>
      each !== path && !path.startsWith(each + sep) && each !== sep && !listeners.has(each),
  });
  watcher.on("all", (_event, changed) => {
    // The folder itself may have come or gone, with everything in it.
    if (changed === path || path.startsWith(changed + sep)) listeners.callAll();
    else listeners.call(changed);
  });
  return { watcher, ready: readiness(watcher, () => listeners.callAll()), listeners };
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

/** Rejects for an error before it is ready; a later one may mean that changes were missed. */
function readiness(watcher: FSWatcher, onDoubt: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    watcher.once("ready", resolve);
    watcher.on("error", (error) => {
      reject(error);
      onDoubt();
    });
  });
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
}
