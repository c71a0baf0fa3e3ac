import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPServer } from "./index.ts";
import { decodeCursor, encodeCursor, pageAfter } from "./pagination.ts";

describe("cursors", () => {
  it("give back any key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (key) => {
        expect(decodeCursor(encodeCursor(key))).toBe(key);
      }),
      { seed: 1 },
    );
  });

  it("that were never given are refused with -32602", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant("")),
        (text) => {
          try {
            const key = decodeCursor(text);
            // What decodes is a cursor: it encodes to itself again.
            expect(encodeCursor(key as string)).toBe(text);
          } catch (error) {
            expect(error).toMatchObject({ code: -32602 });
          }
        },
      ),
      { seed: 2 },
    );
  });

  it("cover every entry once, at any page size", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { maxLength: 40 }),
        fc.integer({ min: 1, max: 10 }),
        (keys, size) => {
          const entries = keys.sort().map((key) => ({ key }));
          const seen: string[] = [];
          let last: string | undefined;
          do {
            const { page, nextCursor } = pageAfter(entries, last, size);
            seen.push(...page.map(({ key }) => key));
            last = decodeCursor(nextCursor);
          } while (last !== undefined);
          expect(seen).toEqual(keys);
        },
      ),
      { seed: 3 },
    );
  });
});

describe.each(ERAS)("lists, %s", (era) => {
  it("come in pages of one order, and go on although the entry at the cursor has gone", async () => {
    const server = new MCPServer({ name: "t", version: "1", pageSize: 2 });
    for (const name of ["d", "b", "a", "c", "e"]) server.tool(name, {}, () => name);
    const client = await RawClient.connect(server, era);
    const first = await client.result("tools/list");
    expect((first.tools as { name: string }[]).map(({ name }) => name)).toEqual(["a", "b"]);
    server.removeTool("b");
    const second = await client.result("tools/list", { cursor: first.nextCursor });
    expect((second.tools as { name: string }[]).map(({ name }) => name)).toEqual(["c", "d"]);
    const third = await client.result("tools/list", { cursor: second.nextCursor });
    expect((third.tools as { name: string }[]).map(({ name }) => name)).toEqual(["e"]);
    expect(third).not.toHaveProperty("nextCursor");
    expect((await client.request("tools/list", { cursor: "bogus!" })).error?.code).toBe(-32602);
  });
});
