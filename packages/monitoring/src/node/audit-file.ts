import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { checkBoolean, checkMembers, wholeNumber } from "@backplane/protocol";
import type { AuditRemains, AuditSink } from "../audit/audit-sink.ts";
import { OPEN_START, SEALED_START } from "../audit/chain.ts";
import { writeAll } from "./write-all.ts";

/** What {@link auditFile} takes. */
export interface AuditFileOptions {
  /** Where lines are appended. Older files stand beside it, as `audit.jsonl.000001` and so on, the oldest first. */
  readonly path: string;
  /** When a file is this long, the next lines go into a new one. Default 64 MiB; 1 or more. */
  readonly maxBytes?: number;
  /** How many older files are kept; the oldest go first. Default: all. */
  readonly maxFiles?: number;
  /** Waits until the disk has each batch, so that a power failure loses none of it. Default false. */
  readonly sync?: boolean;
}

/** Lines are far shorter; this much of a file's end surely holds so many as share a seal. */
const TAIL_BYTES = 1024 * 1024;

/**
 * Appends an audit to a file that only its owner can read, and begins a new one when it is full. A write that
 * fails half way is taken back, lines that a crash tore are taken away at the next start, and so is said in
 * the chain. One process writes one file: when somebody else has written to it, writing fails.
 * @throws {TypeError} that names the option and what it takes.
 */
export function auditFile(options: AuditFileOptions): AuditSink {
  checkMembers("auditFile", options, ["path", "maxBytes", "maxFiles", "sync"]);
  const { path, maxFiles, sync = false } = options;
  if (typeof path !== "string" || path === "") {
    throw new TypeError('auditFile: option "path" must be a path');
  }
  if (maxFiles !== undefined) wholeNumber("auditFile", "maxFiles", maxFiles);
  checkBoolean("auditFile", "sync", sync);
  const maxBytes = wholeNumber("auditFile", "maxBytes", options.maxBytes ?? 64 * 1024 * 1024);
  return new AuditFile(resolve(path), maxBytes, maxFiles, sync);
}

/** The files of an audit in their order, the oldest first, as `verifyAuditFiles` wants them. */
export async function auditFiles(path: string): Promise<readonly string[]> {
  const full = resolve(path);
  const older = await olderFiles(full);
  const names = await readdir(dirname(full));
  return [...older.map(({ file }) => file), ...(names.includes(basename(full)) ? [full] : [])];
}

class AuditFile implements AuditSink {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #maxFiles: number | undefined;
  readonly #sync: boolean;
  #handle: FileHandle | undefined;
  /** How long the file is as far as it is known to be whole. */
  #size = 0;
  /** A write failed, and what it left was not taken back yet. */
  #dirty = false;

  constructor(path: string, maxBytes: number, maxFiles: number | undefined, sync: boolean) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#maxFiles = maxFiles;
    this.#sync = sync;
  }

  async open(): Promise<AuditRemains> {
    const { handle, size } = await this.#opened();
    if (size > 0) {
      const { end, tail } = await tailOf(handle, size);
      if (end < size) await handle.truncate(end);
      this.#size = end;
      return { tail, tornBytes: size - end };
    }
    // It may have ended with a rotation, or with a crash just after one.
    const newest = (await olderFiles(this.#path)).at(-1);
    if (newest === undefined) return { tail: undefined, tornBytes: 0 };
    const older = await open(newest.file, "r");
    try {
      const { tail } = await tailOf(older, (await older.stat()).size);
      return { tail, tornBytes: 0 };
    } finally {
      await older.close();
    }
  }

  write(lines: string): Promise<void> {
    return this.writeBytes([Buffer.from(lines)]);
  }

  async writeBytes(pieces: readonly Uint8Array[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (this.#size > 0 && this.#size + length > this.#maxBytes) await this.setAside();
    const { handle } = await this.#opened();
    await this.#checkWhole(handle);
    try {
      await writeAll(handle, pieces);
      if (this.#sync) await handle.datasync();
    } catch (error) {
      this.#dirty = true;
      await this.#takeBack(handle).catch(() => {});
      throw error;
    }
    this.#size += length;
  }

  async setAside(): Promise<void> {
    const older = await olderFiles(this.#path);
    const number = (older.at(-1)?.number ?? 0) + 1;
    await this.close();
    await rename(this.#path, `${this.#path}.${String(number).padStart(6, "0")}`);
    if (this.#maxFiles === undefined) return;
    const surplus = older.slice(0, Math.max(0, older.length + 1 - this.#maxFiles));
    await Promise.all(surplus.map(({ file }) => rm(file, { force: true })));
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#size = 0;
    this.#dirty = false;
    await handle?.close();
  }

  async #opened(): Promise<{ readonly handle: FileHandle; readonly size: number }> {
    if (this.#handle === undefined) {
      // Append, so that nothing written before can be overwritten by this process.
      this.#handle = await open(this.#path, "a+", 0o600);
      this.#size = (await this.#handle.stat()).size;
    }
    return { handle: this.#handle, size: this.#size };
  }

  async #checkWhole(handle: FileHandle): Promise<void> {
    if (this.#dirty) await this.#takeBack(handle);
    const { size } = await handle.stat();
    if (size !== this.#size) {
      throw new Error(
        `${this.#path} is ${size} bytes long and not ${this.#size}: somebody else writes to it, and the chain can have one writer only`,
      );
    }
  }

  async #takeBack(handle: FileHandle): Promise<void> {
    await handle.truncate(this.#size);
    this.#dirty = false;
  }
}

async function olderFiles(
  path: string,
): Promise<readonly { readonly file: string; readonly number: number }[]> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  return (await readdir(folder))
    .filter((name) => name.startsWith(prefix) && /^\d{6,}$/.test(name.slice(prefix.length)))
    .map((name) => ({ file: join(folder, name), number: Number(name.slice(prefix.length)) }))
    .sort((a, b) => a.number - b.number);
}

/** The last lines as far as they are whole, which a line is not whose seal was to follow; and where they end. */
async function tailOf(
  handle: FileHandle,
  size: number,
): Promise<{ readonly end: number; readonly tail: string | undefined }> {
  const length = Math.min(size, TAIL_BYTES);
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(length),
    position: size - length,
  });
  const bytes = buffer.subarray(0, bytesRead);
  let lineEnd = bytes.lastIndexOf(0x0a);
  while (lineEnd !== -1) {
    const lineStart = bytes.subarray(0, lineEnd).lastIndexOf(0x0a) + 1;
    if (!beginsAs(bytes.subarray(lineStart), OPEN_START)) break;
    lineEnd = lineStart - 1;
  }
  if (lineEnd !== -1) {
    return { end: size - length + lineEnd + 1, tail: bytes.toString("utf8", 0, lineEnd) };
  }
  // A beginning that was cut off; or no audit at all, of which nothing may be taken away.
  const isBeginning =
    length === size && (beginsAs(bytes, OPEN_START) || beginsAs(bytes, SEALED_START));
  return isBeginning ? { end: 0, tail: undefined } : { end: size, tail: "" };
}

/** Whether bytes begin with a text, or are its beginning. */
function beginsAs(bytes: Buffer, start: string): boolean {
  const beginning = bytes.toString("latin1", 0, start.length);
  return start.startsWith(beginning);
}
