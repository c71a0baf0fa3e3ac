import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UriTemplate } from "./uri-template.ts";

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 500), seed: 6570 };

describe("expansion", () => {
  it("takes own values only", () => {
    expect(new UriTemplate("a{/constructor}").expand({})).toBe("a");
  });

  it("writes numbers and booleans", () => {
    expect(new UriTemplate("x{?n,b}").expand({ n: 0, b: false })).toBe("x?n=0&b=false");
  });

  it("encodes what a literal may not hold", () => {
    expect(new UriTemplate("doc://日本/{x}").expand({ x: "'(*)!" })).toBe(
      "doc://%E6%97%A5%E6%9C%AC/%27%28%2A%29%21",
    );
  });

  it.each([
    ["a list under a prefix", "{x:3}", { x: ["a"] }],
    ["half a surrogate pair", "{x}", { x: "\ud800" }],
    ["half a surrogate pair, reserved", "{+x}", { x: "/\udc00" }],
  ])("refuses %s", (_, template, values) => {
    expect(() => new UriTemplate(template).expand(values)).toThrow(/"x"/);
  });
});

describe("what is malformed", () => {
  it.each([
    ["{", "position 0"],
    ["a{b", "position 1"],
    ["a}b", "position 1"],
    ["{}", "position 1"],
    ["{?}", "position 1"],
    ["{=x}", "position 1"],
    ["{|x}", "position 1"],
    ["x{a,}", "position 4"],
    ["{a b}", "position 1"],
    ["{a:0}", "position 1"],
    ["{a:10000}", "position 1"],
    ["{a:3*}", "position 1"],
    ["{a..b}", "position 1"],
    ["{%zz}", "position 1"],
    ["{{x}}", "position 1"],
    ["a b", "position 1"],
    ["100%", "position 3"],
    ["a\u0000b", "position 1"],
    ["a`b", "position 1"],
  ])("%j is refused with its position", (template, position) => {
    expect(() => new UriTemplate(template)).toThrow(TypeError);
    expect(() => new UriTemplate(template)).toThrow(position);
  });

  it("bounds the length and the number of variables", () => {
    expect(() => new UriTemplate("a".repeat(2049))).toThrow("2048");
    expect(() => new UriTemplate("{a}".repeat(65))).toThrow("64 variables");
    expect(new UriTemplate("{a}/".repeat(64)).variableNames).toEqual(["a"]);
  });

  it("never throws anything else", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."{}ax,.:*+#/?&;=%0 é") }), (template) => {
        try {
          expect(new UriTemplate(template).template).toBe(template);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
      RUNS,
    );
  });
});

describe("matching", () => {
  it.each([
    ["calendar://{date}", "calendar://2026-07-28", { date: "2026-07-28" }],
    ["calendar://{date}", "calendar://", undefined],
    ["calendar://{date}", "calendar://a/b", undefined],
    ["calendar://{date}", "weather://2026-07-28", undefined],
    ["test://template/{id}/data", "test://template/123/data", { id: "123" }],
    ["test://template/{id}/data", "test://template/123/data/", undefined],
    ["test://{id}", "test://a%2Fb", { id: "a/b" }],
    ["test://{id}", "test://caf%C3%A9", { id: "café" }],
    ["test://{id}", "test://café", { id: "café" }],
    // RFC 3986 lets a segment hold these in clear.
    ["test://{id}", "test://10:30,a@b;c=d", { id: "10:30,a@b;c=d" }],
    ["test://{id}", "test://a?b", undefined],
    ["test://{id}", "test://a#b", undefined],
    ["test://{id}", "test://a b", undefined],
    ["file:///{+path}", "file:///a/b/c.txt", { path: "a/b/c.txt" }],
    ["file:///{+path}", "file:///", undefined],
    ["{+a}/x/{b}", "p/x/q/x/r", { a: "p/x/q", b: "r" }],
    ["{a}.{b}", "x.y.z", { a: "x.y", b: "z" }],
    ["doc{#section}", "doc#a/b", { section: "a/b" }],
    ["doc{#section}", "doc", {}],
    ["a{/x,y}", "a/1/2", { x: "1", y: "2" }],
    ["a{/x,y}", "a/1", { x: "1" }],
    ["a{/x,y}", "a", {}],
    ["a{/x,y}", "a/1/2/3", undefined],
    ["a{/rest*}", "a/1/2/3", { rest: ["1", "2", "3"] }],
    ["a{/first,rest*}", "a/1/2/3", { first: "1", rest: ["2", "3"] }],
    ["a{/most*,last}", "a/1/2/3", { most: ["1", "2"], last: "3" }],
    ["{list*}", "a,b", { list: ["a", "b"] }],
    ["{x,y}", "a,b", { x: "a", y: "b" }],
    ["{x,y}", "a,b,c", undefined],
    ["{+x,y}", "a,b,c", { x: "a", y: "b,c" }],
    ["www{.host*}", "www.example.com", { host: ["example", "com"] }],
    ["s{;a,b}", "s;a=1;b", { a: "1", b: "" }],
    ["s{?q,page}", "s?q=x&page=2", { q: "x", page: "2" }],
    ["s{?q,page}", "s?page=2&q=x", { q: "x", page: "2" }],
    ["s{?q,page}", "s?page=2", { page: "2" }],
    ["s{?q,page}", "s", {}],
    ["s{?q,page}", "s?q=a=b/c?d", { q: "a=b/c?d" }],
    ["s{?q}", "s?q=1&evil=2", undefined],
    ["s{?q}", "s?q=1&q=2", undefined],
    ["s{?q*}", "s?q=1&q=2", { q: ["1", "2"] }],
    ["s{?a}{&b}", "s?a=1&b=2", { a: "1", b: "2" }],
    ["s{?a}{&b}", "s&b=2", { b: "2" }],
    ["s?fixed=1{&x}", "s?fixed=1&x=2", { x: "2" }],
    ["{x}/{x}", "a/a", { x: "a" }],
    ["{x}/{x}", "a/ab", undefined],
    ["{x:1}/{x}", "v/value", { x: "value" }],
    ["{x:1}/{x}", "w/value", undefined],
    ["{x:3}", "abcd", undefined],
    ["plain", "plain", {}],
    ["plain", "plainer", undefined],
    ["", "", {}],
  ])("%s reads %s", (template, uri, values) => {
    expect(new UriTemplate(template).match(uri)).toEqual(values);
  });

  it.each(["x%", "x%2", "x%zz", "%ff", "%c0%80", "%ed%a0%80", "a%2", "%"])(
    "refuses %s, which is not percent-encoded UTF-8",
    (text) => {
      for (const template of ["{x}", "{+x}", "t{/x}", "t{?x}"]) {
        const uri = new UriTemplate(template).expand({ x: "MARK" }).replace("MARK", text);
        expect(new UriTemplate(template).match(uri)).toBeUndefined();
      }
    },
  );

  it("does not divide a percent-encoded character", () => {
    expect(new UriTemplate("{a}2{b}").match("x%2Fy")).toBeUndefined();
    expect(new UriTemplate("{a}2{b}").match("x%2F2y")).toEqual({ a: "x/", b: "y" });
  });

  it("keeps names of the prototype apart", () => {
    const match = new UriTemplate("{__proto__}/{toString}").match("a/b");
    expect(Object.entries(match ?? {})).toEqual([
      ["__proto__", "a"],
      ["toString", "b"],
    ]);
    expect(new UriTemplate("a{/toString}").match("a")?.toString).toBeUndefined();
  });

  it("gives up on a URI of more than 8,192 characters", () => {
    const template = new UriTemplate("{+x}");
    expect(template.match("a".repeat(8192))).toBeDefined();
    expect(template.match("a".repeat(8193))).toBeUndefined();
  });

  it("ends on what makes a backtracking matcher hang", () => {
    const many = new UriTemplate(`${"{+a}/".repeat(30)}end`);
    expect(many.match("/".repeat(8000))).toBeUndefined();
    expect(many.match("a/".repeat(4000))).toBeUndefined();
    const adjacent = new UriTemplate(
      `${Array.from({ length: 60 }, (_, i) => `{v${i}}`).join("")}!!`,
    );
    expect(adjacent.match(`${"a".repeat(8000)}!`)).toBeUndefined();
  });
});

describe("round trip", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
  const list = fc.array(fc.string({ unit: "grapheme", maxLength: 6 }), {
    minLength: 1,
    maxLength: 4,
  });

  it("gives back every value, whatever it holds", () => {
    const template = new UriTemplate("app://{host}/{id}/sub{/rest*}{?q,page,tag*}{&more}");
    const values = fc.record(
      {
        host: text,
        id: text,
        rest: list,
        q: fc.string({ unit: "grapheme" }),
        page: text,
        tag: list,
        more: text,
      },
      // Without a `?`, an `&` belongs to the segment before it.
      { requiredKeys: ["host", "id", "q"] },
    );
    fc.assert(
      fc.property(values, (given) => {
        expect(template.match(template.expand(given))).toEqual(given);
      }),
      RUNS,
    );
  });

  const name = fc.constantFrom("a", "b", "c", "d");
  const expression = fc
    .tuple(
      fc.constantFrom("", "+", "#", ".", "/", ";", "?", "&"),
      fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
    )
    .map(([operator, names, explode]) => `{${operator}${names.join(",")}${explode ? "*" : ""}}`);
  const literal = fc.constantFrom("/", "x", "a/b", "-", ":", "?q=", "%2F", "1");
  const anyTemplate = fc
    .array(fc.oneof(expression, literal), { maxLength: 6 })
    .map((parts) => parts.join(""));

  it("never throws on any template and URI, and reads nothing but strings and lists", () => {
    const uri = fc.string({ unit: fc.constantFrom(..."abx/:?&=#;.,%2F-1é ") });
    fc.assert(
      fc.property(anyTemplate, uri, (template, candidate) => {
        const match = new UriTemplate(template).match(candidate);
        for (const value of Object.values(match ?? {})) {
          expect(typeof value === "string" || Array.isArray(value)).toBe(true);
        }
      }),
      RUNS,
    );
  });

  it("reads back what any path with a query expands to", () => {
    const segment = fc.constantFrom(
      "users",
      "v1",
      "{NAME}",
      "id-{NAME}",
      "{NAME}.json",
      "a{NAME}z",
    );
    const template = fc
      .tuple(
        fc.array(segment, { minLength: 1, maxLength: 5 }),
        fc.constantFrom("", "{/rest*}"),
        fc.constantFrom("", "{?q}", "{?q,r}", "{?tags*}"),
        fc.constantFrom("", "{#f}"),
      )
      .map(([segments, rest, query, fragment]) => {
        const path = segments.map((one, index) => one.replace("NAME", `v${index}`)).join("/");
        return `app://${path}${rest}${query}${fragment}`;
      });
    const values = fc.record({
      ...Object.fromEntries(["v0", "v1", "v2", "v3", "v4", "q", "r"].map((name) => [name, text])),
      // `{#f}` leaves reserved characters and triplets as they are, so a `%` would not come back.
      f: text.filter((one) => !one.includes("%")),
      rest: list,
      tags: list,
    });
    fc.assert(
      fc.property(template, values, (source, given: Record<string, string | string[]>) => {
        const compiled = new UriTemplate(source);
        const used = Object.fromEntries(compiled.variableNames.map((name) => [name, given[name]]));
        expect(compiled.match(compiled.expand(used as typeof given))).toEqual(used);
      }),
      RUNS,
    );
  });
});
