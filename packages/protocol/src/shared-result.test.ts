import { describe, expect, it } from "vitest";
import { sharedText, shareResult } from "./shared-result.ts";

describe("shareResult", () => {
  it("marks this object and no copy of it, and shows nowhere", () => {
    const result = shareResult({ content: [] });
    expect(Object.isFrozen(result)).toBe(true);
    expect(sharedText(result)).toEqual({ made: undefined });
    expect(sharedText({ ...result })).toBeUndefined();
    expect(sharedText(structuredClone(result))).toBeUndefined();
    expect(JSON.stringify(result)).toBe('{"content":[]}');
  });

  it("marks once", () => {
    const result = shareResult({ content: [] });
    const text = sharedText(result);
    expect(sharedText(shareResult(result))).toBe(text);
  });

  it("refuses an object that is frozen already", () => {
    expect(() => shareResult(Object.freeze({ content: [] }))).toThrow(TypeError);
  });
});
