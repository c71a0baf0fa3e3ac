import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileSettings } from "./file-options.ts";
import { isServableName } from "./folder-uris.ts";
import { partsInside } from "./parts-inside.ts";
import { type NamedEntry, SmallestNames } from "./smallest-names.ts";

/** A file of the list. */
export interface ListedFile {
  readonly path: readonly string[];
  readonly size: number;
  readonly modified: Date;
}

/** What a page is asked for, in paths. */
export interface FolderPageRequest {
  /** The folder that is listed, below the root. */
  readonly folder: readonly string[];
  /** Only entries of that folder whose name begins so. */
  readonly namePrefix: string;
  /** The last path of the page before, below the root; undefined for the first. */
  readonly after: readonly string[] | undefined;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface FolderPage {
  readonly files: readonly ListedFile[];
  /** Up to where the page goes; undefined when nothing follows. */
  readonly last: readonly string[] | undefined;
}

/** Entries that one read of a folder fetches: fewer calls into the kernel for very large ones. */
const OPENDIR_BUFFER_SIZE = 1_024;

/** Errors of a folder that has gone, or that this process may not read: it has nothing to list. */
const UNREADABLE: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP"]);

/**
 * A page of the files below a folder, in the order of their paths, part by part. Folders are streamed, never
 * held: what is kept of one is a page's worth of its smallest names, and only files of the page are looked at.
 * @throws what reading the root throws, and the reason of `signal`.
 */
export async function folderPage(
  settings: FileSettings,
  request: FolderPageRequest,
): Promise<FolderPage> {
  const walk = new Walk(settings, request);
  const { folder, after } = request;
  const inside = after !== undefined && folder.every((part, index) => after[index] === part);
  const finished = await walk.folder(folder, inside ? after.slice(folder.length) : undefined);
  return { files: walk.files, last: finished ? undefined : walk.last };
}

class Walk {
  readonly files: ListedFile[] = [];
  last: readonly string[] | undefined;
  readonly #settings: FileSettings;
  readonly #request: FolderPageRequest;
  #scanned = 0;
  #realRoot: string | undefined;

  constructor(settings: FileSettings, request: FolderPageRequest) {
    this.#settings = settings;
    this.#request = request;
  }

  /** @returns whether everything of the folder after `after` is in the page. */
  async folder(path: readonly string[], after: readonly string[] | undefined): Promise<boolean> {
    let from = after?.[0] ?? "";
    // A cursor inside of a folder goes on in it; one at a file goes on behind it.
    let rest = after !== undefined && after.length > 1 ? after.slice(1) : undefined;
    for (;;) {
      const names = await this.#names(path, from, rest !== undefined);
      for (let index = 0; index < names.entries.length; ) {
        if (this.files.length === this.#request.limit) return false;
        const { name, kind } = names.entries[index] as NamedEntry;
        if (kind === "folder") {
          if (!(await this.folder([...path, name], name === from ? rest : undefined))) return false;
          this.last = [...path, name];
          index++;
        } else index += await this.#filesFrom(path, names.entries, index);
        if (this.#scanned > this.#settings.maxScanned) return false;
      }
      if (!names.overflowed) return true;
      from = names.entries.at(-1)?.name as string;
      rest = undefined;
    }
  }

  /** The smallest names of a folder behind `from`, or from it on; as many as the page has room for, and one. */
  async #names(
    path: readonly string[],
    from: string,
    inclusive: boolean,
  ): Promise<{ readonly entries: readonly NamedEntry[]; readonly overflowed: boolean }> {
    const { root, isIgnored, maxDepth } = this.#settings;
    const { folder, namePrefix, limit, signal } = this.#request;
    const smallest = new SmallestNames(limit - this.files.length + 1);
    const prefix = path.length === folder.length ? namePrefix : "";
    try {
      const entries = await opendir(join(root, ...path), { bufferSize: OPENDIR_BUFFER_SIZE });
      for await (const entry of entries) {
        this.#scanned++;
        if (this.#scanned % OPENDIR_BUFFER_SIZE === 0) signal.throwIfAborted();
        const { name } = entry;
        if (name < from || (name === from && !inclusive) || !smallest.wants(name)) continue;
        const kind = kindOf(entry);
        if (kind === undefined || (kind === "folder" && path.length >= maxDepth)) continue;
        if (!name.startsWith(prefix) || !isServableName(name) || isIgnored([...path, name]))
          continue;
        smallest.add({ name, kind });
      }
    } catch (error) {
      if (path.length === 0 || !UNREADABLE.has((error as NodeJS.ErrnoException).code)) throw error;
    }
    return { entries: smallest.drain(), overflowed: smallest.overflowed };
  }

  /** Looks at the files that follow one another, together, as far as the page has room. @returns their number. */
  async #filesFrom(
    path: readonly string[],
    entries: readonly NamedEntry[],
    start: number,
  ): Promise<number> {
    const end = Math.min(entries.length, start + this.#request.limit - this.files.length);
    let next = start;
    while (next < end && entries[next]?.kind !== "folder") next++;
    const run = entries.slice(start, next);
    const files = await Promise.all(
      run.map(({ name, kind }) => this.#file([...path, name], kind === "link")),
    );
    for (const file of files) if (file !== undefined) this.files.push(file);
    this.last = [...path, (run.at(-1) as NamedEntry).name];
    return run.length;
  }

  /** Undefined for a file that has gone, or is none that a read would give. */
  async #file(path: readonly string[], isLink: boolean): Promise<ListedFile | undefined> {
    const { root, rejectMultiplyLinked, isIgnored } = this.#settings;
    const full = join(root, ...path);
    try {
      if (isLink) {
        this.#realRoot ??= await realpath(root);
        const target = partsInside(this.#realRoot, await realpath(full));
        if (target === undefined || isIgnored(target)) return undefined;
      }
      const stats = await stat(full);
      if (!stats.isFile() || (rejectMultiplyLinked && stats.nlink > 1)) return undefined;
      return { path, size: stats.size, modified: stats.mtime };
    } catch (error) {
      if (UNREADABLE.has((error as NodeJS.ErrnoException).code)) return undefined;
      throw error;
    }
  }
}

/** Links to folders are not followed: they may lead round in a circle. */
function kindOf(entry: Dirent): NamedEntry["kind"] | undefined {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? "link" : undefined;
}
