import { MCPClientError } from "./errors.ts";

/** One page of a list. An empty string is a cursor like any other (spec: server/utilities/pagination). */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | undefined;
}

/**
 * All items of a list, page by page.
 * @throws {MCPClientError} `pagination_loop` when a cursor comes twice, or after `maxPages`.
 */
export async function allPages<Item>(
  method: string,
  maxPages: number,
  page: (cursor: string | undefined) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let count = 1; ; count++) {
    const next = await page(cursor);
    for (const item of next.items) items.push(item);
    cursor = next.nextCursor;
    if (cursor === undefined) return items;
    if (seen.has(cursor)) {
      throw new MCPClientError(
        "pagination_loop",
        `${method}: the server gave the same cursor twice`,
        {
          details: { pages: count },
        },
      );
    }
    if (count >= maxPages) {
      throw new MCPClientError(
        "pagination_loop",
        `${method}: more than ${maxPages} pages (limits.maxPages)`,
        { details: { pages: count } },
      );
    }
    seen.add(cursor);
  }
}
