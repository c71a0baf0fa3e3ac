import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, digest } from "./canonical-json.ts";

/** The same value with the members of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  );
}

describe("canonicalJson", () => {
  it("sorts members by UTF-16 code units at every depth (RFC 8785, 3.2.3)", () => {
    const value = {
      "\u20ac": 1,
      "\r": 2,
      "1": 3,
      "\ud83d\ude00": 4,
      "\u0080": 5,
      ö: 6,
      "\ufb33": 7,
    };
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: value })).toBe(
      '{"a":{"\\r":2,"1":3,"\u0080":5,"ö":6,"\u20ac":1,"\ud83d\ude00":4,"\ufb33":7},"b":[{"c":null,"d":1}]}',
    );
  });

  it("leaves out undefined members, and honours toJSON", () => {
    expect(canonicalJson({ a: undefined, b: new Date(0), c: [undefined] })).toBe(
      '{"b":"1970-01-01T00:00:00.000Z","c":[null]}',
    );
  });

  it("keeps apart what JSON.stringify mixes up", () => {
    const texts = [JSON.parse("1e999"), JSON.parse("-1e999"), null, "\ud800", "\ud801", "\ufffd"];
    expect(new Set(texts.map(canonicalJson)).size).toBe(texts.length);
    expect(canonicalJson(-0)).toBe("0");
  });

  it("keeps members of dangerous names as data", () => {
    expect(canonicalJson(JSON.parse('{"constructor":2,"__proto__":{"x":1}}'))).toBe(
      '{"__proto__":{"x":1},"constructor":2}',
    );
  });

  it.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a bigint", 1n],
    ["NaN", Number.NaN],
    ["NaN inside", { a: [Number.NaN] }],
  ])("refuses %s", (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  it("refuses a cycle, and takes a value that stands in two places", () => {
    const shared = { a: 1 };
    expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
    const cycle: Record<string, unknown> = {};
    cycle["self"] = { cycle };
    expect(() => canonicalJson(cycle)).toThrow(/contains itself/);
  });

  it("is valid JSON of the same value, the same for every order of members", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  it("differs for different values", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        const same = JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
        expect(canonicalJson(left) === canonicalJson(right)).toBe(same);
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ["array", ...value.map(sorted)];
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, sorted(member)]);
  return ["object", entries.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))];
}

describe("digest", () => {
  it("is SHA-256 in base64url (FIPS 180-4 test vector)", async () => {
    expect(await digest("abc")).toBe("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
  });
});
