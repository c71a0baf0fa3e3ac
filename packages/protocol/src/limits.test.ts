import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_MESSAGE_LIMITS, exceedsJsonDepth } from "./limits.ts";

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 1000), seed: 64 };

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const nested = (open: string, close: string, depth: number): string =>
  open.repeat(depth) + close.repeat(depth);

describe("exceedsJsonDepth", () => {
  it.each([
    ["{}", 1, false],
    ["[[]]", 1, true],
    ["[[]]", 2, false],
    ["[{},{},{},{}]", 2, false],
    ['{"a":[1],"b":[[2]]}', 2, true],
    ['{"a":[1],"b":[[2]]}', 3, false],
    ["12345678", 1, false],
    // Brackets inside strings are text.
    ['["[[[[[[", "{{{{"]', 1, false],
    ['["\\"[[[[[["]', 1, false],
    ['["\\\\",[]]', 1, true],
    ['["\\\\\\"[[[["]', 1, false],
    ['{"[[[[":1}', 1, false],
    // What is no JSON is the parser's business, but must not hide depth before it.
    ['"never closed [[[[', 1, false],
    ['[["', 1, true],
    ["]]]][[", 1, false],
  ])("%j nests deeper than %i: %s", (text, maxDepth, verdict) => {
    expect(exceedsJsonDepth(text, maxDepth)).toBe(verdict);
  });

  it("draws the line exactly at the default", () => {
    const { maxJsonDepth } = DEFAULT_MESSAGE_LIMITS;
    expect(exceedsJsonDepth(nested("[", "]", maxJsonDepth), maxJsonDepth)).toBe(false);
    expect(exceedsJsonDepth(nested("[", "]", maxJsonDepth + 1), maxJsonDepth)).toBe(true);
    expect(exceedsJsonDepth(nested('{"a":', "}", maxJsonDepth + 1), maxJsonDepth)).toBe(true);
  });

  it("survives a body of nothing but openings, quotes or backslashes", () => {
    for (const unit of ["[", '{"', '"', "\\", '\\"', '"\\"']) {
      const body = unit.repeat(500_000);
      expect(typeof exceedsJsonDepth(body, 64)).toBe("boolean");
    }
  });

  it("agrees with the parsed value, whatever the white space and the strings", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'[]{}"\\:,') }));
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(text, tie("any"), { maxKeys: 3 }),
      ),
    })).any;
    fc.assert(
      fc.property(
        value,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(0, 1, 3),
        (it, max, indent) => {
          const json = JSON.stringify(it, undefined, indent);
          expect(exceedsJsonDepth(json, max)).toBe(depthOf(JSON.parse(json)) > max);
        },
      ),
      RUNS,
    );
  });
});
