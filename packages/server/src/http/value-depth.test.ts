import { exceedsJsonDepth } from "@backplane/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { valueExceedsDepth } from "./value-depth.ts";

it("counts a value as its text is counted", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 1, max: 10 }), (value, depth) => {
      // A long text, because short ones are let through by their length alone.
      const text = JSON.stringify(value).padStart(200);
      expect(valueExceedsDepth(value, depth)).toBe(exceedsJsonDepth(text, depth));
    }),
  );
});
