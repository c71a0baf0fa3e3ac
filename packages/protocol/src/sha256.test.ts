import { describe, expect, it } from "vitest";
import { sha256, sha256Binary } from "./sha256.ts";

describe("sha256", () => {
  // FIPS 180-4, with the example "abc".
  const bytes = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("digests the UTF-8 form of a text, in base64url or as a binary string", () => {
    expect(Buffer.from(sha256("abc"), "base64url").toString("hex")).toBe(bytes);
    expect(Buffer.from(sha256Binary("abc"), "latin1").toString("hex")).toBe(bytes);
    expect(sha256Binary("abc")).toHaveLength(32);
    for (const text of ["", "ä€😀", "x".repeat(1_000)]) {
      expect(Buffer.from(sha256Binary(text), "latin1").toString("base64url")).toBe(sha256(text));
    }
  });
});
