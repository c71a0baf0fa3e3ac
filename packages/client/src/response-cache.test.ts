import type { JsonObject } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CacheKey, ResponseCache, type ResponseCacheOptions } from "./response-cache.ts";

const TOOLS: CacheKey = { target: "a", partition: "me", method: "tools/list", params: {} };

function rig(options: ResponseCacheOptions = {}) {
  const clock = createFakeClock();
  const cache = new ResponseCache({ clock, ...options });
  const set = (key: CacheKey, result: JsonObject) => cache.set(key, result, cache.mark());
  return { cache, clock, set };
}

function result(more: object = {}): JsonObject {
  return { resultType: "complete", tools: [], ttlMs: 1000, cacheScope: "private", ...more };
}

describe("ResponseCache", () => {
  it("keeps a result for as long as its server says", () => {
    const { cache, clock, set } = rig();
    set(TOOLS, result());
    clock.advance(999);
    expect(cache.get(TOOLS)).toEqual(result());
    clock.advance(1);
    expect(cache.get(TOOLS)).toBeUndefined();
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  it.each([
    ["no ttlMs, as of a legacy server", { ttlMs: undefined }],
    ["a ttlMs of 0", { ttlMs: 0 }],
    ["a negative ttlMs", { ttlMs: -1 }],
    ["a fractional ttlMs", { ttlMs: 1.5 }],
    ["a ttlMs that is no number", { ttlMs: "1000" }],
    ["no cacheScope", { cacheScope: undefined }],
    ["another cacheScope", { cacheScope: "shared" }],
    ["questions", { resultType: "input_required" }],
    ["an unknown resultType", { resultType: "task" }],
  ])("keeps nothing with %s", (_case, more) => {
    const { cache, set } = rig();
    set(TOOLS, result(more));
    expect([cache.get(TOOLS), cache.size]).toEqual([undefined, 0]);
  });

  it("keeps only what the specification makes cacheable", () => {
    const { cache, set } = rig();
    const methods = [
      "server/discover",
      "tools/list",
      "prompts/list",
      "resources/list",
      "resources/templates/list",
      "resources/read",
      "tools/call",
      "prompts/get",
      "completion/complete",
      "subscriptions/listen",
    ];
    for (const method of methods) set({ ...TOOLS, method }, result());
    expect(methods.filter((method) => cache.get({ ...TOOLS, method }) !== undefined)).toEqual(
      methods.slice(0, 6),
    );
    expect(methods.filter(ResponseCache.keeps)).toEqual(methods.slice(0, 6));
  });

  it("4b.19: gives no result for other params, pages included, whatever the order of members", () => {
    const { cache, set } = rig();
    set({ ...TOOLS, params: { cursor: "", a: 1, b: 2 } }, result({ nextCursor: "x" }));
    expect(cache.get({ ...TOOLS, params: { b: 2, a: 1, cursor: "" } })).toBeDefined();
    for (const params of [{}, { cursor: "x" }, { cursor: "", a: 1, b: 3 }, { cursor: "", a: 1 }]) {
      expect(cache.get({ ...TOOLS, params })).toBeUndefined();
    }
  });

  it("4b.19: gives private results to the same credentials only, public ones to all", () => {
    const { cache, set } = rig();
    const other = { ...TOOLS, partition: "you" };
    set(TOOLS, result());
    expect(cache.get(other)).toBeUndefined();
    set(TOOLS, result({ cacheScope: "public" }));
    expect(cache.get(other)).toBeDefined();
    expect(cache.get({ ...other, target: "b" })).toBeUndefined();
    // What became private is no longer anybody else's.
    set(TOOLS, result());
    expect(cache.get(other)).toBeUndefined();
    expect(cache.size).toBe(1);
  });

  it("keeps nothing any more once the server says so", () => {
    const { cache, set } = rig();
    set(TOOLS, result());
    set(TOOLS, result({ ttlMs: 0 }));
    expect(cache.get(TOOLS)).toBeUndefined();
  });

  it("prefers a caller's own result to everybody's", () => {
    const { cache, set } = rig();
    set(TOOLS, result({ tools: ["mine"] }));
    set({ ...TOOLS, partition: "you" }, result({ cacheScope: "public", tools: ["everybody's"] }));
    expect(cache.get(TOOLS)?.tools).toEqual(["mine"]);
  });

  it("hands out copies", () => {
    const { cache, set } = rig();
    const given = result({ tools: [{ name: "t" }] });
    set(TOOLS, given);
    (given.tools as { name: string }[]).push({ name: "added" });
    const first = cache.get(TOOLS) as { tools: { name: string }[] };
    (first.tools[0] as { name: string }).name = "changed";
    expect(cache.get(TOOLS)?.tools).toEqual([{ name: "t" }]);
  });

  it.each([
    [{ kind: "tools" }, ["tools/list"]],
    [{ kind: "prompts" }, ["prompts/list"]],
    [{ kind: "resources" }, ["resources/list", "resources/templates/list"]],
  ] as const)(
    "forgets at once what %j makes stale, of every partition and page",
    (event, stale) => {
      const { cache, set } = rig();
      const lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];
      for (const method of lists) {
        set({ ...TOOLS, method }, result());
        set({ ...TOOLS, method, partition: "you", params: { cursor: "2" } }, result());
        set({ ...TOOLS, method, target: "b" }, result());
      }
      cache.changed("a", event);
      for (const method of lists) {
        const gone = (stale as readonly string[]).includes(method);
        const pages = [
          cache.get({ ...TOOLS, method }),
          cache.get({ ...TOOLS, method, partition: "you", params: { cursor: "2" } }),
        ];
        expect(pages.map((page) => page === undefined)).toEqual([gone, gone]);
        expect(cache.get({ ...TOOLS, method, target: "b" })).toBeDefined();
      }
    },
  );

  it("forgets a resource with its parts and what it is a part of", () => {
    const { cache, set } = rig();
    const read = (uri: string): CacheKey => ({
      ...TOOLS,
      method: "resources/read",
      params: { uri },
    });
    const uris = ["file:///a", "file:///a/b", "file:///a/b/c", "file:///a/bc", "file:///a/b#x"];
    for (const uri of uris) set(read(uri), result());
    cache.changed("a", { kind: "resource", uri: "file:///a/b" });
    expect(uris.filter((uri) => cache.get(read(uri)) !== undefined)).toEqual(["file:///a/bc"]);
  });

  it("does not keep what became stale on its way", () => {
    const { cache } = rig();
    const asked = cache.mark();
    cache.changed("a", { kind: "tools" });
    cache.set(TOOLS, result(), asked);
    expect(cache.get(TOOLS)).toBeUndefined();
    cache.set({ ...TOOLS, target: "b" }, result(), asked);
    expect(cache.get({ ...TOOLS, target: "b" })).toBeDefined();
  });

  it("does not, however many other servers have changed since", () => {
    const { cache } = rig();
    const asked = cache.mark();
    cache.changed("a", { kind: "tools" });
    for (let index = 0; index < 2_000; index++) cache.changed(`other ${index}`, { kind: "tools" });
    cache.set(TOOLS, result(), asked);
    expect(cache.get(TOOLS)).toBeUndefined();
    cache.set(TOOLS, result(), cache.mark());
    expect(cache.get(TOOLS)).toBeDefined();
  });

  it("is cleared, wholly or of one server", () => {
    const { cache, set } = rig();
    set(TOOLS, result());
    set({ ...TOOLS, target: "b" }, result());
    cache.clear("a");
    expect([cache.get(TOOLS), cache.size]).toEqual([undefined, 1]);
    cache.clear();
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  it("keeps no result that is larger than itself, and not the one before it either", () => {
    const { cache, set } = rig({ maxBytes: 1_000 });
    set(TOOLS, result());
    set(TOOLS, result({ tools: ["x".repeat(1_000)] }));
    expect([cache.get(TOOLS), cache.bytes]).toEqual([undefined, 0]);
  });

  it.each([
    [{ maxEntries: 0 }, "maxEntries"],
    [{ maxBytes: -1 }, "maxBytes"],
    [{ clock: {} }, "clock"],
    [{ ttlMs: 5 }, "ttlMs"],
  ])("refuses the options %j", (options, named) => {
    expect(() => new ResponseCache(options as never)).toThrow(named);
  });
});

describe("a cache under any use", () => {
  const keys = fc.record({
    target: fc.constantFrom("a", "b"),
    partition: fc.constantFrom("me", "you"),
    method: fc.constantFrom("tools/list", "resources/list", "resources/read"),
    params: fc.constantFrom<JsonObject>({}, { cursor: "" }, { uri: "x:/a" }, { uri: "x:/a/b" }),
  });
  const events = fc.constantFrom(
    { kind: "tools" } as const,
    { kind: "resources" } as const,
    { kind: "resource", uri: "x:/a" } as const,
    { kind: "resource", uri: "x:/a/b/c" } as const,
  );
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("get" as const), key: keys }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("set" as const),
        key: keys,
        ttlMs: fc.integer({ min: 0, max: 50 }),
        cacheScope: fc.constantFrom("public", "private"),
        size: fc.nat({ max: 400 }),
      }),
    },
    fc.record({ do: fc.constant("advance" as const), ms: fc.nat({ max: 20 }) }),
    fc.record({
      do: fc.constant("change" as const),
      target: fc.constantFrom("a", "b"),
      event: events,
    }),
  );

  it("gives only what was last kept for the very same question, fresh, and stays within its bounds", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { cache, clock, set } = rig({ maxEntries: 5, maxBytes: 1_500 });
        // What an endless cache without any cleverness would know.
        const known = new Map<string, { value: JsonObject; until: number; at: CacheKey }>();
        const name = (key: CacheKey, scope: string) =>
          JSON.stringify([key.target, key.method, key.params, scope === "public" || key.partition]);
        let count = 0;
        for (const act of steps) {
          if (act.do === "advance") clock.advance(act.ms);
          else if (act.do === "change") {
            cache.changed(act.target, act.event);
            for (const [text, { at }] of known) {
              if (at.target === act.target && isStale(at, act.event)) known.delete(text);
            }
          } else if (act.do === "set") {
            const { ttlMs, cacheScope, size } = act;
            const value = result({ ttlMs, cacheScope, n: count++, x: "x".repeat(size) });
            set(act.key, value);
            known.delete(name(act.key, "private"));
            known.delete(name(act.key, "public"));
            if (ttlMs === 0) continue;
            known.set(name(act.key, cacheScope), {
              value,
              until: clock.now() + ttlMs,
              at: act.key,
            });
          } else {
            const got = cache.get(act.key);
            if (got === undefined) continue;
            const [mine, all] = ["private", "public"].map((scope) =>
              known.get(name(act.key, scope)),
            );
            const expected = [mine, all].filter(
              (entry) => entry !== undefined && entry.until > clock.now(),
            );
            expect(expected.map((entry) => entry?.value)).toContainEqual(got);
          }
          expect(cache.size).toBeLessThanOrEqual(5);
          expect(cache.bytes).toBeLessThanOrEqual(1_500);
          if (cache.size === 0) expect(cache.bytes).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  function isStale({ method, params }: CacheKey, event: { kind: string; uri?: string }): boolean {
    if (event.kind === "tools") return method === "tools/list";
    if (event.kind === "resources") return method === "resources/list";
    const uri = params.uri as string | undefined;
    const changed = event.uri as string;
    return (
      uri !== undefined &&
      (`${changed}/`.startsWith(`${uri}/`) || `${uri}/`.startsWith(`${changed}/`))
    );
  }

  it("lets go of what was used least recently", () => {
    const { cache, set } = rig({ maxEntries: 2 });
    const key = (target: string): CacheKey => ({ ...TOOLS, target });
    set(key("a"), result());
    set(key("b"), result());
    cache.get(key("a"));
    set(key("c"), result());
    expect(["a", "b", "c"].filter((target) => cache.get(key(target)) !== undefined)).toEqual([
      "a",
      "c",
    ]);
  });
});
