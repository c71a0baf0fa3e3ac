import { invalidParams } from "@backplane/protocol";

/**
 * A cursor is the key of the last entry sent, encoded so that clients treat it as opaque. It holds no
 * replica's memory: any replica continues any list (digest: stable cursors).
 */
export function encodeCursor(lastKey: string): string {
  const bytes = new TextEncoder().encode(lastKey);
  return btoa(String.fromCharCode(VERSION, ...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

const VERSION = 1;
const MAX_CURSOR_LENGTH = 4096;

/** @throws {MCPError} −32602 for a cursor that this server did not make. */
export function decodeCursor(cursor: unknown): string | undefined {
  if (cursor === undefined) return undefined;
  const key = typeof cursor === "string" ? tryDecode(cursor) : undefined;
  if (key === undefined) throw invalidParams("the cursor is not one that this server gave");
  return key;
}

function tryDecode(cursor: string): string | undefined {
  if (cursor.length > MAX_CURSOR_LENGTH || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    if (binary.charCodeAt(0) !== VERSION) return undefined;
    const bytes = Uint8Array.from(binary.slice(1), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The entries after `lastKey`, at most `pageSize`, and whether more follow. `entries` are ordered by key. */
export function pageAfter<Entry extends { readonly key: string }>(
  entries: readonly Entry[],
  lastKey: string | undefined,
  pageSize: number,
): { readonly page: readonly Entry[]; readonly nextCursor: string | undefined } {
  const start = lastKey === undefined ? 0 : firstAfter(entries, lastKey);
  const page = entries.slice(start, start + pageSize);
  const last = page.at(-1);
  return {
    page,
    nextCursor:
      last !== undefined && start + pageSize < entries.length ? encodeCursor(last.key) : undefined,
  };
}

/** Binary search, so that the entry behind the cursor may have gone. */
function firstAfter(entries: readonly { readonly key: string }[], lastKey: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as { key: string }).key <= lastKey) low = middle + 1;
    else high = middle;
  }
  return low;
}
