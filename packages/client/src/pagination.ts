import { MCPClientError } from "./errors.ts";
import type { RequestOptions } from "./request-options.ts";

/** One page of a list. An empty string is a cursor like any other (spec: server/utilities/pagination). */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | undefined;
}

/** What a list may take until its last page. */
export interface ListLimits {
  readonly maxPages: number;
  readonly maxItems: number;
  /** Longest time for all pages, unless the request says otherwise. */
  readonly maxTotalTimeoutMs: number;
}

/**
 * All items of a list, page by page, inside one budget of time.
 * @throws {MCPClientError} `pagination_loop` when a cursor comes twice, or after `maxPages` or `maxItems`.
 */
export async function allPages<Item>(
  method: string,
  limits: ListLimits,
  options: RequestOptions,
  page: (cursor: string | undefined, options: RequestOptions) => Promise<Page<Item>>,
): Promise<Item[]> {
  const { maxTotalTimeoutMs = limits.maxTotalTimeoutMs } = options;
  const startedAtMs = performance.now();
  const items: Item[] = [];
  const seen = new Set<string>();
  let left = options;
  for (let cursor: string | undefined, pages = 1; ; pages++) {
    const next = await page(cursor, left);
    for (const item of next.items) items.push(item);
    cursor = next.nextCursor;
    if (cursor === undefined) return items;
    if (seen.has(cursor)) throw looped(method, pages, "the server gave the same cursor twice");
    if (pages >= limits.maxPages) {
      throw looped(method, pages, `more than ${limits.maxPages} pages (limits.maxPages)`);
    }
    if (items.length >= limits.maxItems) {
      throw looped(method, pages, `more than ${limits.maxItems} items (limits.maxItems)`);
    }
    seen.add(cursor);
    const leftMs = maxTotalTimeoutMs - (performance.now() - startedAtMs);
    if (leftMs <= 0) throw late(method, pages, maxTotalTimeoutMs);
    left = { ...options, maxTotalTimeoutMs: leftMs };
  }
}

function looped(method: string, pages: number, why: string): MCPClientError {
  return new MCPClientError("pagination_loop", `${method}: ${why}`, { details: { pages } });
}

function late(method: string, pages: number, limitMs: number): MCPClientError {
  const text = `${method}: maxTotalTimeoutMs (${limitMs} ms) ran out after ${pages} pages`;
  return new MCPClientError("timeout", text, { details: { deadline: "total", limitMs, pages } });
}
