import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { storageUnavailable } from "../errors.ts";
import type { ParsedCalendar } from "./event.ts";
import { parseIcs } from "./parse-ics.ts";

export interface IcsFolderOptions {
  /** 1 MiB by default. A larger file is reported and not read. */
  readonly maxFileBytes?: number;
  /** 100 by default, in alphabetical order. More are reported and not read. */
  readonly maxFiles?: number;
  /** A folder that does not exist counts as empty. False by default. */
  readonly mayBeMissing?: boolean;
}

/** Reads the `.ics` files of one folder, not of those below it. */
export interface IcsFolder {
  /**
   * Unchanged files are parsed once.
   * @throws {ToolExecutionError} −2002 when the folder itself cannot be read.
   */
  read(): Promise<readonly ParsedCalendar[]>;
}

export const DEFAULT_MAX_FILE_BYTES = 1_048_576;
// Absent on Windows, where a pipe cannot be in a folder.
const { O_RDONLY, O_NONBLOCK = 0 } = constants;

interface CacheEntry {
  readonly version: string;
  readonly calendar: ParsedCalendar;
}

export function createIcsFolder(path: string, options: IcsFolderOptions = {}): IcsFolder {
  const maxFileBytes = options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES;
  const maxFiles = options.maxFiles ?? 100;
  // Holds exactly the files of the last reading.
  let cache: ReadonlyMap<string, CacheEntry> = new Map();

  return {
    async read() {
      const names = await listIcs(path, options.mayBeMissing ?? false);
      const next = new Map<string, CacheEntry>();
      for (const name of names.slice(0, maxFiles)) {
        next.set(name, await readFile(path, name, maxFileBytes, cache.get(name)));
      }
      cache = next;
      const calendars = [...next.values()].map((entry) => entry.calendar);
      return names.length <= maxFiles
        ? calendars
        : [
            ...calendars,
            problem("*.ics", `${names.length} files; only the first ${maxFiles} are read`),
          ];
    },
  };
}

async function listIcs(path: string, mayBeMissing: boolean): Promise<readonly string[]> {
  try {
    const names = await readdir(path);
    return names.filter((name) => /^[^.].*\.ics$/i.test(name)).sort();
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw storageUnavailable("The calendar folder cannot be read.", error);
  }
}

async function readFile(
  folder: string,
  name: string,
  maxBytes: number,
  known: CacheEntry | undefined,
): Promise<CacheEntry> {
  try {
    // Non-blocking, because opening a pipe that nobody writes to would wait for ever.
    const handle = await open(join(folder, name), O_RDONLY | O_NONBLOCK);
    try {
      const stats = await handle.stat();
      const version = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
      if (known?.version === version) return known;
      if (!stats.isFile()) return { version, calendar: problem(name, "not a regular file") };
      if (stats.size > maxBytes) {
        const reason = `${stats.size} bytes, more than the limit of ${maxBytes}`;
        return { version, calendar: problem(name, reason) };
      }
      // Read by the checked size: a file that grows meanwhile is read anew the next time.
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(stats.size), 0, stats.size, 0);
      return { version, calendar: parseIcs(name, buffer.toString("utf8", 0, bytesRead)) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    return { version: "", calendar: problem(name, `cannot be read (${code})`) };
  }
}

function problem(file: string, reason: string): ParsedCalendar {
  return { file, name: file, events: [], problems: [{ file, reason }] };
}
