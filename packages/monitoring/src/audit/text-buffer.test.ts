import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextBuffer } from "./text-buffer.ts";

function written(write: (text: TextBuffer) => void): string {
  const text = new TextBuffer();
  write(text);
  return text.take().toString();
}

describe("text in a buffer", () => {
  it("holds numbers as JSON writes them", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(written((text) => text.writeNumber(value))).toBe(JSON.stringify(value));
      }),
      { examples: [[0], [9], [10], [2 ** 31], [2 ** 32], [Number.MAX_SAFE_INTEGER]] },
    );
  });

  it("holds thousandths as JSON writes the ones", () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        const json = JSON.stringify(value / 1_000);
        expect(written((text) => text.writeThousandths(value))).toBe(json);
      }),
      { examples: [[0], [1], [10], [100], [999], [1_000], [1_010], [120_000], [2 ** 40]] },
    );
  });

  it("holds 0 for thousandths that no clock measures", () => {
    for (const value of [Number.NaN, -1, -1_500, -0, Number.POSITIVE_INFINITY, 2 ** 70]) {
      expect(written((text) => text.writeThousandths(value))).toBe("0");
    }
  });

  it("takes as plain what is the same in JSON, and leaves nothing of the rest", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const text = new TextBuffer();
        text.write("before");
        const isPlain = JSON.stringify(value) === `"${value}"` && /^[\x20-\x7e]*$/.test(value);
        expect(text.writePlainString(value)).toBe(isPlain);
        expect(text.take().toString()).toBe(isPlain ? `before"${value}"` : "before");
      }),
      { examples: [['"'], ["\\"], ["\u007f"], ["\u0141"], ["0b0e1c0e-6f0a"]] },
    );
  });

  it("grows, keeps what was taken, and takes back what was written last", () => {
    const text = new TextBuffer();
    const long = "é".repeat(40_000);
    text.write("a");
    text.write(long);
    text.put(Buffer.from(long));
    const { length } = text;
    text.write("no more");
    text.length = length;
    const taken = text.take();
    text.write("other");
    expect(taken.toString()).toBe(`a${long}${long}`);
    expect(text.take().toString()).toBe("other");
  });
});
