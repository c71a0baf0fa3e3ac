import { invalidParams, type MCPError } from "@backplane/protocol";

/**
 * A cursor is the key of the last entry sent, encoded so that clients treat it as opaque. It holds no
 * replica's memory: any replica continues any list (digest: stable cursors).
 */
export function encodeCursor(lastKey: string): string {
  return encode(VERSION, lastKey);
}

function encode(version: number, text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(version, ...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

const VERSION = 1;
const PROVIDER_VERSION = 2;
/** Room for the longest path of a file system (PATH_MAX is 4,096), which a provider's cursor may hold. */
const MAX_CURSOR_LENGTH = 8_192;

/** A place in the list of a provider; without a cursor, its beginning. */
export interface ProviderPlace {
  readonly provider: string;
  readonly cursor: string | undefined;
}

/** @throws {TypeError} for a provider's cursor that would be too long to be sent back. */
export function encodePlace({ provider, cursor }: ProviderPlace): string {
  const encoded = encode(PROVIDER_VERSION, JSON.stringify([provider, cursor ?? null]));
  if (encoded.length <= MAX_CURSOR_LENGTH) return encoded;
  throw new TypeError(`resource provider "${provider}": its cursor is too long`);
}

/** @throws {MCPError} −32602 for a cursor that this server did not make. */
export function decodeCursor(cursor: unknown): string | undefined {
  if (cursor === undefined) return undefined;
  const key = typeof cursor === "string" ? tryDecode(VERSION, cursor) : undefined;
  if (key === undefined) throw notOurs();
  return key;
}

/**
 * A cursor of a list that goes on in providers: the key of a registered entry, or a place.
 * @throws {MCPError} −32602 for a cursor that this server did not make.
 */
export function decodePlace(cursor: unknown): string | ProviderPlace | undefined {
  const text = typeof cursor === "string" ? tryDecode(PROVIDER_VERSION, cursor) : undefined;
  if (text === undefined) return decodeCursor(cursor);
  try {
    const [provider, inner] = JSON.parse(text) as unknown[];
    if (typeof provider === "string" && (inner === null || typeof inner === "string")) {
      return { provider, cursor: inner ?? undefined };
    }
  } catch {
    // Whoever made it, it was not this server.
  }
  throw notOurs();
}

function notOurs(): MCPError {
  return invalidParams("the cursor is not one that this server gave");
}

function tryDecode(version: number, cursor: string): string | undefined {
  if (cursor.length > MAX_CURSOR_LENGTH || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    if (binary.charCodeAt(0) !== version) return undefined;
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
