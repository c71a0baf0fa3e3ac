import { canonicalJson, type Invocation } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resultKey } from "./key.ts";

function keyOf(tool: string, given: unknown, leaves = false): string {
  const context = { principal: undefined, revision: "2026-07-28" };
  const params = { name: tool, arguments: given };
  const invocation = { method: "tools/call", target: tool, params, context };
  return resultKey("server:", invocation as unknown as Invocation, leaves);
}

// Few parts, made of what the short form is made of, so that different calls come close to one another.
const part = fc.constantFrom("", "1", ":", "1:", "1:a", "a", "a1=1", "null", "true", "\ud800");
const scalar = fc.oneof(part, fc.constantFrom(1, 11, -0, null, true, Number.POSITIVE_INFINITY));
const nested = fc.oneof(fc.array(scalar, { maxLength: 2 }), fc.dictionary(part, scalar));
const value = fc.oneof({ weight: 4, arbitrary: scalar }, nested);
const name = fc.constantFrom("", "1", "1:a");
const args = fc.dictionary(fc.constantFrom("", "1", "a", "1:a"), value, { maxKeys: 2 });

describe("resultKey", () => {
  it("is the same for two calls exactly when they ask for the same", () => {
    const calls = fc.array(fc.tuple(name, args), { minLength: 100, maxLength: 200 });
    fc.assert(
      fc.property(calls, fc.boolean(), (asked, leaves) => {
        const pairs = asked.map((call) => [canonicalJson(call), keyOf(...call, leaves)] as const);
        const keys = new Map(pairs);
        expect(pairs.filter(([text, key]) => keys.get(text) !== key)).toEqual([]);
        expect(new Set(keys.values()).size).toBe(keys.size);
      }),
      { numRuns: 50 },
    );
  });

  it("does not depend on the order of members, nor on what stands beside them as undefined", () => {
    fc.assert(
      fc.property(name, args, (tool, one) => {
        const turned = Object.fromEntries(Object.entries(one).reverse());
        expect(keyOf(tool, turned)).toBe(keyOf(tool, one));
        expect(keyOf(tool, { ...turned, more: undefined })).toBe(keyOf(tool, one));
      }),
    );
  });

  it("holds long arguments, and all that leave the process, as a digest", () => {
    const secret = "a secret ".repeat(200);
    expect(keyOf("echo", { secret })).toMatch(/:[\w-]{43}$/);
    expect(keyOf("echo", { secret: "short" }, true)).toMatch(/:[\w-]{43}$/);
    expect(keyOf("echo", { secret: "short" })).toContain("short");
  });

  it("tells lone surrogates apart, in a digest as well", () => {
    const long = "x".repeat(2_000);
    for (const leaves of [false, true]) {
      expect(keyOf("echo", { a: "\ud800", long }, leaves)).not.toBe(
        keyOf("echo", { a: "\ud801", long }, leaves),
      );
    }
  });
});
