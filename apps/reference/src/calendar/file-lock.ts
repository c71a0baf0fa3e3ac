import { open, rm, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { storageUnavailable } from "../errors.ts";

/** A holder that has been silent for this long has died: it works for milliseconds. */
const STALE_AFTER_MS = 30_000;
const RETRY_EVERY_MS = 20;

/**
 * Runs `work` while this process, and no other one on the same file system, holds the lock file.
 * @param timeoutMs how long to wait for another holder.
 * @throws {ToolExecutionError} −2002 when it stays taken, or cannot be made.
 */
export async function withFileLock<Value>(
  path: string,
  timeoutMs: number,
  work: () => Promise<Value>,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  while (!(await tryTake(path))) {
    if (Date.now() >= deadline) {
      throw storageUnavailable("The bookings are locked by another process. Try again later.");
    }
    await delay(RETRY_EVERY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryTake(path: string): Promise<boolean> {
  try {
    // Exclusive creation is atomic, also between processes.
    await (await open(path, "wx")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw storageUnavailable("The bookings folder cannot be written.", error);
    }
    const age = await ageMs(path);
    if (age !== undefined && age > STALE_AFTER_MS) await rm(path, { force: true });
    return false;
  }
}

async function ageMs(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    // Released meanwhile.
    return undefined;
  }
}
