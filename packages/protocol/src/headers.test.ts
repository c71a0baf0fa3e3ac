import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHeaderValue, encodeHeaderValue, headerMatches } from "./headers.ts";

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 1000), seed: 20260728 };

/** What an HTTP parser would leave of a value: visible ASCII and inner blanks. */
const FIELD_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;

describe("encodeHeaderValue", () => {
  it.each([
    ["tools/call", "tools/call"],
    ["", ""],
    ["two words", "two words"],
    ["Grüße", "=?base64?R3LDvMOfZQ==?="],
    ["日本", "=?base64?5pel5pys?="],
    [" edge", "=?base64?IGVkZ2U=?="],
    ["edge ", "=?base64?ZWRnZSA=?="],
    ["a\tb", "=?base64?YQli?="],
    ["a\r\nX: y", "=?base64?YQ0KWDogeQ==?="],
    ["=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="],
    ["=?base64?YQ==", "=?base64?YQ=="],
    ["=?BASE64?YQ==?=", "=?BASE64?YQ==?="],
  ])("writes %j as %j", (value, encoded) => {
    expect(encodeHeaderValue(value)).toBe(encoded);
    expect(decodeHeaderValue(encoded)).toBe(value);
  });

  it("encodes what a peer could take for a sentinel whose halves overlap", () => {
    expect(encodeHeaderValue("=?base64?=")).toBe("=?base64?PT9iYXNlNjQ/PQ==?=");
    expect(decodeHeaderValue("=?base64?=")).toBe("=?base64?=");
  });

  it("refuses half a surrogate pair instead of sending another character", () => {
    expect(() => encodeHeaderValue("a\ud800b")).toThrow(TypeError);
  });

  it("writes any text so that HTTP carries it and decoding gives it back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        const encoded = encodeHeaderValue(value);
        expect(encoded).toMatch(FIELD_VALUE);
        expect(decodeHeaderValue(encoded)).toBe(value);
        expect(headerMatches(encoded, value)).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("decodeHeaderValue", () => {
  it.each([
    ["missing padding", "=?base64?YQ?="],
    ["too much padding", "=?base64?YQ===?="],
    ["a foreign character", "=?base64?Y!==?="],
    ["the URL alphabet", "=?base64?_-8=?="],
    ["white space inside", "=?base64?Y Q=?="],
    ["spare bits that are not zero", "=?base64?YR==?="],
    ["bytes that are not UTF-8", "=?base64?/w==?="],
    ["an overlong encoding", "=?base64?wIA=?="],
    ["a surrogate in UTF-8", "=?base64?7aCA?="],
    ["a character beyond ASCII in clear", "Gr\u00fc\u00dfe"],
    ["a control character in clear", "a\u0001"],
  ])("refuses %s", (_, raw) => {
    expect(decodeHeaderValue(raw)).toBeUndefined();
  });

  it.each([
    "=?base64?YQ==",
    "?base64?YQ==?=",
    "=?base64YQ==?=",
    "x=?base64?YQ==?=",
    "=?Base64?YQ==?=",
  ])("takes the incomplete sentinel %s for a literal", (raw) => {
    expect(decodeHeaderValue(raw)).toBe(raw);
  });

  it("keeps a leading byte order mark", () => {
    expect(decodeHeaderValue("=?base64?77u/YQ==?=")).toBe("\ufeffa");
  });

  it("reads the empty sentinel as an empty value", () => {
    expect(decodeHeaderValue("=?base64??=")).toBe("");
  });

  it("accepts one spelling of each encoded value only", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."AQgw9/+=?Zz") }), (inner) => {
        const raw = `=?base64?${inner}?=`;
        const decoded = decodeHeaderValue(raw);
        fc.pre(decoded !== undefined);
        const canonical = Buffer.from(decoded as string, "utf8").toString("base64");
        expect(inner).toBe(canonical);
      }),
      RUNS,
    );
  });
});

describe("headerMatches", () => {
  it.each([
    // raw, value, type, verdict
    ["get_weather", "get_weather", "string", true],
    ["get_weather", "Get_weather", "string", false],
    [undefined, "get_weather", "string", false],
    ["", "", "string", true],
    ["=?base64?R3LDvMOfZQ==?=", "Grüße", "string", true],
    // What is not ASCII must be encoded, even where the parser lets it through.
    ["Gr\u00fc\u00dfe", "Gr\u00fc\u00dfe", "string", false],
    // The sentinel names "a", so it does not name itself.
    ["=?base64?YQ==?=", "=?base64?YQ==?=", "string", false],
    ["=?base64?YQ==?=", "a", "string", true],
    ["=?base64?YQ?=", "a", "string", false],
    ["42", 42, "integer", true],
    ["42.0", 42, "integer", true],
    ["042", 42, "integer", true],
    ["-7", -7, "integer", true],
    ["42.5", 42, "integer", false],
    ["42.00000000000000000001", 42, "integer", false],
    ["4.2e1", 42, "integer", false],
    ["0x2a", 42, "integer", false],
    [" 42", 42, "integer", false],
    ["", 0, "integer", false],
    ["=?base64?NDI=?=", 42, "integer", true],
    ["9007199254740991", 9007199254740991, "integer", true],
    ["9007199254740992", 9007199254740991, "integer", false],
    ["9007199254740992", 9007199254740992, "integer", false],
    ["1.5", 1.5, "integer", true],
    ["true", true, "boolean", true],
    ["false", false, "boolean", true],
    ["True", true, "boolean", false],
    ["1", true, "boolean", false],
    ["false", true, "boolean", false],
    // No header can say these.
    ["{}", {}, "string", false],
    ["a", ["a"], "string", false],
    ["[object Object]", {}, "integer", false],
    // Nothing in the body expects nothing of the header.
    [undefined, null, "string", true],
    [undefined, undefined, "string", true],
    ["anything", null, "string", true],
  ] as const)("%j against %j as %s is %s", (raw, value, type, verdict) => {
    expect(headerMatches(raw, value, type)).toBe(verdict);
  });

  it("never holds for two different strings", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 6 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(headerMatches(encodeHeaderValue(left), right)).toBe(left === right);
      }),
      RUNS,
    );
  });
});
