import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, type Entry, encodeEntry } from "./entry.ts";

const entries: fc.Arbitrary<Entry> = fc.record({
  freshUntilMs: fc.maxSafeNat(),
  tags: fc.option(fc.dictionary(fc.string(), fc.string()), { nil: undefined }),
  json: fc.option(
    fc.json().map((text) => JSON.stringify(JSON.parse(text))),
    { nil: undefined },
  ),
});
const keys = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("a", "\n", "1", "{", "}") }));

describe("entries", () => {
  it("come back as they were, under any key", () => {
    fc.assert(
      fc.property(keys, entries, (key, entry) => {
        expect(decodeEntry(key, encodeEntry(key, entry))).toEqual(entry);
      }),
    );
  });

  it("are nothing under another key", () => {
    fc.assert(
      fc.property(keys, keys, entries, (key, other, entry) => {
        fc.pre(key !== other);
        expect(decodeEntry(other, encodeEntry(key, entry))).toBeUndefined();
      }),
    );
  });

  it("are never made of what is no entry, and never fail on it", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeEntry("k", text)).toBeUndefined();
      }),
    );
    const good = encodeEntry("k", { freshUntilMs: 1, tags: { a: "b" }, json: "123" });
    for (let end = 0; end < good.length; end++) {
      expect(decodeEntry("k", good.slice(0, end))).toBeUndefined();
    }
    for (const more of ["4", "\n", "4\n"]) expect(decodeEntry("k", good + more)).toBeUndefined();
  });

  it.each([
    ["another version", "bp1\n1\nk\n1\n\n{}"],
    ["a time that is none", "bp2\n1\nk\nsoon\n\n{}\n"],
    ["tags that are no JSON", "bp2\n1\nk\n1\n{\n{}\n"],
    ["tags that are a list", "bp2\n1\nk\n1\n[]\n{}\n"],
    ["a tag whose version is no text", 'bp2\n1\nk\n1\n{"a":1}\n{}\n'],
    ["JSON alone", '{"v":1}'],
    ["nothing", ""],
  ])("%s is a miss", (_name, text) => {
    expect(decodeEntry("k", text)).toBeUndefined();
  });
});
