import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineSplitter, toLine } from "./line-splitter.ts";

function collect(maxLineBytes: number, chunks: readonly (Buffer | string)[], end = true): string[] {
  const seen: string[] = [];
  const splitter = createLineSplitter(
    maxLineBytes,
    (line) => seen.push(line),
    () => seen.push("<oversized>"),
  );
  for (const chunk of chunks) splitter.push(Buffer.from(chunk as string));
  if (end) splitter.end();
  return seen;
}

describe("createLineSplitter", () => {
  it("gives out each line, whatever its end, and skips empty ones", () => {
    expect(collect(100, ["a\nb\r\n\n\r\nc\n"])).toEqual(["a", "b", "c"]);
  });

  it("gives out a last line without an end, at the end only", () => {
    expect(collect(100, ["a\nb"], false)).toEqual(["a"]);
    expect(collect(100, ["a\nb"])).toEqual(["a", "b"]);
    expect(collect(100, ["a\nb\r"])).toEqual(["a", "b"]);
    expect(collect(100, ["\r"])).toEqual([]);
  });

  it("joins characters that chunks cut through", () => {
    const bytes = Buffer.from('{"text":"ünï ✓ 😀"}\nx\n');
    const singles = [...bytes].map((byte) => Buffer.from([byte]));
    expect(collect(100, singles)).toEqual(['{"text":"ünï ✓ 😀"}', "x"]);
  });

  it("keeps what is no line end inside: a lone carriage return, U+2028", () => {
    expect(collect(100, ["a\rb\u2028c\n"])).toEqual(["a\rb\u2028c"]);
  });

  it("counts bytes, not characters", () => {
    expect(collect(4, ["éé\n"])).toEqual(["éé"]);
    expect(collect(3, ["éé\n"])).toEqual(["<oversized>"]);
  });

  it("drops a line over the limit once, tells so before its end, and goes on with the next", () => {
    expect(collect(4, ["abcde"], false)).toEqual(["<oversized>"]);
    expect(collect(4, ["abc", "de", "fghijklmnop", "q\nok\n"])).toEqual(["<oversized>", "ok"]);
    expect(collect(4, ["a\nbcdef\ngh\n"])).toEqual(["a", "<oversized>", "gh"]);
    expect(collect(4, ["abcd\nabcdef\nabcd\nxxxxxxxx"])).toEqual([
      "abcd",
      "<oversized>",
      "abcd",
      "<oversized>",
    ]);
  });

  it("a buffer that the stream reuses does no harm", () => {
    const seen: string[] = [];
    const splitter = createLineSplitter(
      100,
      (line) => seen.push(line),
      () => {},
    );
    const chunk = Buffer.from("half");
    splitter.push(chunk);
    chunk.fill("x");
    splitter.push(Buffer.from(" line\n"));
    expect(seen).toEqual(["half line"]);
  });

  it("holds long lines without copying them once per chunk", () => {
    const chunk = "x".repeat(1_000);
    const chunks = Array.from({ length: 3_000 }, () => chunk);
    const [line] = collect(4_000_000, [...chunks, "\n"]);
    expect(line).toHaveLength(3_000_000);
  });

  it("agrees with a split of the whole, however the bytes arrive", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "b", "é", "😀", "\n", "\r", "\r\n", "{"),
      maxLength: 60,
    });
    const cuts = fc.array(fc.nat(200), { maxLength: 12 });
    fc.assert(
      fc.property(text, cuts, fc.integer({ min: 1, max: 40 }), (whole, at, maxLineBytes) => {
        const bytes = Buffer.from(whole);
        const places = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b)];
        const chunks = places.map((from, index) => bytes.subarray(from, places[index + 1]));
        const expected = whole
          .split("\n")
          .map((line) =>
            Buffer.byteLength(line) > maxLineBytes ? "<oversized>" : line.replace(/\r$/, ""),
          )
          .filter((line) => line !== "");
        expect(collect(maxLineBytes, chunks)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe("toLine", () => {
  it("is one line to every reader, and the same JSON", () => {
    const value = { text: "a\u2028b\u2029c\n\r✓" };
    const line = toLine(JSON.stringify(value));
    expect(line.slice(0, -1)).not.toMatch(/[\n\r\u2028\u2029]/);
    expect(line.endsWith("\n")).toBe(true);
    expect(JSON.parse(line)).toEqual(value);
  });
});
