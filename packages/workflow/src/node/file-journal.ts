import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
} from "node:fs/promises";
import { join } from "node:path";
import { checkBoolean, checkMembers, wholeNumber } from "@backplane/protocol";
import { endsRun, type JournalEntry, type RunJournal } from "../run-journal.ts";

/** Where and how runs are written down. */
export interface FileJournalOptions {
  /** A folder for this journal alone; made when it is missing. */
  readonly directory: string;
  /** Runs that have ended and are kept; older ones are deleted. Default 1,000. */
  readonly maxEndedRuns?: number;
  /**
   * Waits until an entry is on the disk (`fsync`), so that it survives a loss of power as well. Without it an entry
   * survives the end of the process, however sudden. Default false: it costs a wait for the disk for each entry.
   */
  readonly sync?: boolean;
}

const SUBJECT = "createFileJournal";
const RUN_ID = /^[A-Za-z0-9_-]{1,128}$/;
const OPEN = ".jsonl";
const ENDED = ".ended.jsonl";
/** For files: nobody but their owner reads what nodes gave. */
const OWN = 0o600;
/** Runs that wait for a client who never answers would be remembered for ever; the others are looked at again. */
const MAX_WHOLE = 10_000;

/**
 * A journal in files, one for each run, an entry a line. For one process at a time; replicas need a store that they
 * share. Files and folder are made for their owner alone: they hold the outputs of nodes in clear. Runs that have not
 * ended are never deleted; `remove` those whose client has not answered for longer than a request's state lives.
 * @throws {TypeError} that names the option.
 */
export function createFileJournal(options: FileJournalOptions): RunJournal {
  checkMembers(SUBJECT, options, ["directory", "maxEndedRuns", "sync"]);
  const { directory, sync = false, maxEndedRuns = 1_000 } = options;
  if (typeof directory !== "string" || directory === "") {
    throw new TypeError(`${SUBJECT}: option "directory" must be the path of a folder`);
  }
  checkBoolean(SUBJECT, "sync", sync);
  return new FileJournal(directory, sync, wholeNumber(SUBJECT, "maxEndedRuns", maxEndedRuns));
}

class FileJournal implements RunJournal {
  readonly #directory: string;
  readonly #sync: boolean;
  readonly #maxEnded: number;
  /** The last write of each run that is being written: entries stand in the order in which they came. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Runs whose file is known to end with a whole line. */
  readonly #whole = new Set<string>();

  constructor(directory: string, sync: boolean, maxEnded: number) {
    this.#directory = directory;
    this.#sync = sync;
    this.#maxEnded = maxEnded;
  }

  append(runId: string, entry: JournalEntry): Promise<void> {
    const before = this.#writing.get(runId) ?? Promise.resolve();
    const write = before.then(() => this.#write(runId, entry));
    // A failed write is told to its caller; the next one is tried all the same.
    const settled = write.catch(() => {});
    this.#writing.set(runId, settled);
    void settled.then(() => {
      if (this.#writing.get(runId) === settled) this.#writing.delete(runId);
    });
    return write;
  }

  async read(runId: string): Promise<readonly JournalEntry[]> {
    await this.#writing.get(runId);
    const path = await this.#find(runId);
    if (path === undefined) return [];
    const lines = (await readFile(path, "utf8")).split("\n");
    // After the last line feed stands nothing, or what a process was writing when it ended.
    lines.pop();
    return lines.map((line, index) => parse(line, path, index));
  }

  async unfinished(): Promise<readonly string[]> {
    const names = await this.#names();
    return names
      .filter((name) => name.endsWith(OPEN) && !name.endsWith(ENDED))
      .map((name) => name.slice(0, -OPEN.length));
  }

  async remove(runId: string): Promise<void> {
    await this.#writing.get(runId);
    this.#whole.delete(runId);
    for (const suffix of [OPEN, ENDED]) await rm(this.#path(runId, suffix), { force: true });
  }

  async #write(runId: string, entry: JournalEntry): Promise<void> {
    let path = await this.#find(runId);
    if (path === undefined) {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      path = this.#path(runId, OPEN);
    } else if (!this.#whole.has(runId)) {
      await cutTornLine(path);
    }
    // Until the write is known to be whole.
    this.#whole.delete(runId);
    const line = `${JSON.stringify(entry)}\n`;
    if (this.#sync) await appendSynced(path, line);
    else await appendFile(path, line, { mode: OWN });
    if (this.#whole.size >= MAX_WHOLE) this.#whole.clear();
    this.#whole.add(runId);
    const target = this.#path(runId, endsRun(entry) ? ENDED : OPEN);
    if (target !== path) await rename(path, target);
    if (!endsRun(entry)) return;
    this.#whole.delete(runId);
    await this.#prune();
  }

  async #find(runId: string): Promise<string | undefined> {
    for (const suffix of [OPEN, ENDED]) {
      const path = this.#path(runId, suffix);
      const found = await stat(path).catch(ignoreMissing);
      if (found !== undefined) return path;
    }
    return undefined;
  }

  async #prune(): Promise<void> {
    const ended = (await this.#names()).filter((name) => name.endsWith(ENDED));
    if (ended.length <= this.#maxEnded) return;
    const aged = await Promise.all(
      ended.map(async (name) => {
        const path = join(this.#directory, name);
        return { path, atMs: (await stat(path).catch(ignoreMissing))?.mtimeMs ?? 0 };
      }),
    );
    aged.sort((a, b) => a.atMs - b.atMs);
    const surplus = aged.slice(0, ended.length - this.#maxEnded);
    await Promise.all(surplus.map(({ path }) => rm(path, { force: true })));
  }

  async #names(): Promise<readonly string[]> {
    return (await readdir(this.#directory).catch(ignoreMissing)) ?? [];
  }

  #path(runId: string, suffix: string): string {
    // The id becomes a file name, so nothing in it may lead out of the folder.
    if (!RUN_ID.test(runId)) throw new TypeError(`${SUBJECT}: "${runId}" is no id of a run`);
    return join(this.#directory, runId + suffix);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

function parse(line: string, path: string, index: number): JournalEntry {
  try {
    return JSON.parse(line) as JournalEntry;
  } catch (cause) {
    throw new Error(`${path}: line ${index + 1} is no entry`, { cause });
  }
}

/** A process that was killed may have left a part of a line, which the next one would be joined to. */
async function cutTornLine(path: string): Promise<void> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) await truncate(path, end);
}

async function appendSynced(path: string, line: string): Promise<void> {
  const file = await open(path, "a", OWN);
  try {
    await file.appendFile(line);
    await file.sync();
  } finally {
    await file.close();
  }
}
