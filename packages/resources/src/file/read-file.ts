import { ErrorCode, MCPError, resourceTooLarge } from "@backplane/protocol";
import type { FileSettings } from "./file-options.ts";
import { type OpenedFile, openInside } from "./open-inside.ts";

/** How often a file that changes under the reader's hands is read anew. */
const ATTEMPTS = 3;
const RETRY_AFTER_MS = 1_000;
/** So much of a file is read before somebody who gave it up is noticed. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * The bytes of a file, all of one moment. The size is that of the open file, so a larger one is refused before
 * a byte is read, and nothing that is written meanwhile makes it more.
 * @returns undefined when there is no such file.
 * @throws {MCPError} −1413 for a file above the limit; −1503 for one that changes with every attempt.
 */
export async function readFileInside(
  settings: FileSettings,
  path: readonly string[],
  uri: string,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    signal.throwIfAborted();
    const opened = await openInside(settings, path);
    if (opened === undefined) return undefined;
    try {
      if (opened.stats.size > settings.maxBytes) throw resourceTooLarge(uri, settings.maxBytes);
      const bytes = await readWhole(opened, signal);
      if (bytes !== undefined) return bytes;
    } finally {
      await opened.handle.close();
    }
  }
  throw new MCPError(ErrorCode.unavailable, "The resource changes while it is read", {
    data: { reason: "resource_changing" },
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** Undefined when the file was changed meanwhile. */
async function readWhole(
  { handle, stats }: OpenedFile,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  // Not from the pool: a small file must not keep 8 KiB alive.
  const bytes = Buffer.allocUnsafeSlow(Number(stats.size));
  let length = 0;
  while (length < bytes.length) {
    signal.throwIfAborted();
    const wanted = Math.min(bytes.length - length, CHUNK_BYTES);
    const { bytesRead } = await handle.read(bytes, length, wanted, length);
    if (bytesRead === 0) return undefined;
    length += bytesRead;
  }
  const after = await handle.stat({ bigint: true });
  return after.size === stats.size && after.mtimeNs === stats.mtimeNs ? bytes : undefined;
}
