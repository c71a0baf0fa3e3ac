import type { FileHandle } from "node:fs/promises";

/** Writes pieces of a text to the end of a file: a disk that is nearly full takes a part, and fails with the next. */
export async function writeAll(
  handle: Pick<FileHandle, "writev">,
  pieces: readonly Uint8Array[],
): Promise<void> {
  let left = pieces;
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left);
    left = after(left, bytesWritten);
  }
}

/** What is left of pieces behind so many bytes. */
function after(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let rest = bytes;
  let whole = 0;
  for (; whole < pieces.length; whole++) {
    const { length } = pieces[whole] as Uint8Array;
    if (length > rest) break;
    rest -= length;
  }
  const [first, ...others] = pieces.slice(whole);
  return first === undefined ? [] : [first.subarray(rest), ...others];
}
