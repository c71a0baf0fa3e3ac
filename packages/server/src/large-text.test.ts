import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LargeText, type LargeValue } from "./large-text.ts";

const PIECE = 64 * 1024;
/** What is escaped, what is more than one byte, pairs and halves of pairs. */
const UNITS = [...'aü€"\\\n\u0000\u007f\u2028', "\ud83d\ude00", "\ud83d", "\ude00", "\udbff\udfff"];
const text = fc.array(fc.constantFrom(...UNITS), { maxLength: 30 }).map((units) => units.join(""));
/** The same across the edges of pieces. */
const longText = fc
  .tuple(fc.constantFrom("a", "ü", "€", '"'), fc.integer({ min: PIECE - 20, max: PIECE + 5 }), text)
  .map(([fill, length, tail]) => (fill.repeat(length) + tail).repeat(2));

function large(...parts: readonly (string | LargeValue)[]): LargeText {
  return new LargeText(parts, (error) => {
    throw error;
  });
}

function sent(answer: LargeText): Buffer {
  return Buffer.concat([...answer.pieces()]);
}

describe("a text that is made while it is sent", () => {
  it("is, byte by byte, what JSON.stringify makes of it", () => {
    fc.assert(
      fc.property(longText, text, (long, short) => {
        const whole = JSON.stringify({ long, short, again: short });
        const answer = large(
          '{"long":"',
          { unescaped: long },
          '","short":"',
          { unescaped: short },
          `","again":${JSON.stringify(short)}}`,
        );
        expect(sent(answer).equals(Buffer.from(whole))).toBe(true);
        expect(String(answer)).toBe(whole);
        expect(answer.byteLength).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it("does not cut a character of the JSON that was there", () => {
    for (const shift of ["", "a"]) {
      const json = JSON.stringify(shift + "\ud83d\ude00".repeat(PIECE));
      expect(sent(large(json)).toString()).toBe(json);
    }
  });

  it("is the base64 of bytes of any length, and knows how long it is", () => {
    const edge = 48 * 1024;
    for (const length of [0, 1, 2, 3, edge - 1, edge, edge + 1, edge + 2, 3 * edge + 1]) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 31) >>> 3);
      const whole = `{"ü":"${Buffer.from(bytes).toString("base64")}"}`;
      // A view, which ends before its buffer does.
      const view = Uint8Array.from([1, 2, ...bytes, 3]).subarray(2, length + 2);
      const answer = large('{"ü":"', view, '"}');
      expect(sent(answer).toString()).toBe(whole);
      expect(String(answer)).toBe(whole);
      expect(answer.byteLength).toBe(Buffer.byteLength(whole));
    }
  });

  it("is made in pieces that are small whatever it holds", () => {
    const answer = large("x".repeat(1e6), { unescaped: "\u0000".repeat(1e6) }, new Uint8Array(1e6));
    for (const piece of answer.pieces()) expect(piece.length).toBeLessThanOrEqual(6 * PIECE);
  });

  it("fails, and says so, when its bytes are taken away meanwhile", () => {
    const failures: unknown[] = [];
    const bytes = new Uint8Array(200_000);
    const answer = new LargeText([bytes], (error) => failures.push(error));
    const pieces = answer.pieces();
    pieces.next();
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(() => [...pieces]).toThrow(/taken away/);
    expect(failures).toEqual([expect.any(TypeError)]);
  });

  it("fails as well when they are taken away before their turn: their length was told already", () => {
    const bytes = new Uint8Array(200_000);
    const answer = new LargeText(["before", bytes], () => {});
    const { byteLength } = answer;
    const pieces = answer.pieces();
    pieces.next();
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(answer.byteLength).toBe(byteLength);
    expect(() => [...pieces]).toThrow(/taken away/);
  });
});
