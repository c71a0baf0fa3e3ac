import { stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { Listeners } from "../internal/listeners.ts";

/**
 * Watches single files of one folder, which need not exist. While it does not, the nearest folder above it that does
 * is watched for the next one on the way; when that comes, the watch moves down, and up again when something goes.
 */
export class FolderWatch {
  readonly listeners: Listeners = new Listeners();
  readonly #path: string;
  #watcher: FSWatcher | undefined;
  #closed = false;
  #moving: Promise<void>;

  /** @param path of the folder. */
  constructor(path: string) {
    this.#path = path;
    this.#moving = this.#begin();
    // Whoever waits for it is told.
    this.#moving.catch(() => {});
  }

  /** Resolves when changes from now on are noticed. @throws what the operating system says. */
  get ready(): Promise<void> {
    return this.#moving;
  }

  /** One of the folder's files is watched from now on that was not before. */
  async include(file: string): Promise<void> {
    // What is there already was left out when the folder was read; what comes later is seen by itself.
    if (await exists(file)) this.#watcher?.add(file);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#watcher?.close();
  }

  async #begin(): Promise<void> {
    while (!this.#closed) {
      const base = await nearestFolder(this.#path);
      if (this.#closed) return;
      const next = base === this.#path ? undefined : nextOnTheWay(base, this.#path);
      const watcher = watch(base, {
        ignoreInitial: true,
        depth: 0,
        ignored: (each) =>
          each !== base && (next === undefined ? !this.listeners.has(each) : each !== next),
      });
      this.#watcher = watcher;
      watcher.on("all", (event, changed) => {
        if (this.#watcher !== watcher) return;
        if (changed === next || (changed === base && event === "unlinkDir")) this.#move(watcher);
        else if (changed === base) this.listeners.callAll();
        else this.listeners.call(changed);
      });
      // That the folder itself has gone is not always among these; to the operating system it is a "rename".
      watcher.on("raw", (event) => {
        if (event !== "rename") return;
        void exists(base).then((isThere) => {
          if (!isThere && this.#watcher === watcher) this.#move(watcher);
        });
      });
      await readiness(watcher, () => this.listeners.callAll());
      // Something may have come or gone before it was watched.
      const isThere = await exists(base);
      if (isThere && (next === undefined || !(await exists(next)))) return;
      await watcher.close();
    }
  }

  #move(watcher: FSWatcher): void {
    this.#watcher = undefined;
    this.#moving = (async () => {
      await watcher.close();
      await this.#begin();
    })();
    // Whatever has changed meanwhile was missed; and what cannot be watched any more may change.
    const told = (): void => this.listeners.callAll();
    this.#moving.then(told, told);
  }
}

/** The folder, or the nearest one above it that is there. */
async function nearestFolder(path: string): Promise<string> {
  let folder = path;
  while (dirname(folder) !== folder && !(await exists(folder))) folder = dirname(folder);
  return folder;
}

function nextOnTheWay(base: string, path: string): string {
  return join(base, relative(base, path).split(sep)[0] as string);
}

/** Rejects for an error before it is ready; a later one may mean that changes were missed. */
export function readiness(watcher: FSWatcher, onDoubt: () => void): Promise<void> {
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
