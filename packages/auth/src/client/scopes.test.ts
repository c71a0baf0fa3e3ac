import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coversScopes, unionOfScopes, withOfflineAccess } from "./scopes.ts";

const scope = fc.option(
  fc.array(fc.constantFrom("a", "b", "a:b", "A", ""), { maxLength: 4 }).map((s) => s.join(" ")),
  { nil: undefined },
);

describe("scopes", () => {
  it("a union covers its parts, and nothing that none of them holds", () => {
    fc.assert(
      fc.property(scope, scope, scope, (one, other, third) => {
        const union = unionOfScopes(one, other);
        expect(coversScopes(union, one) && coversScopes(union, other)).toBe(true);
        expect(coversScopes(union, third)).toBe(
          (third ?? "")
            .split(" ")
            .filter(Boolean)
            .every((each) => `${one} ${other}`.split(" ").includes(each)),
        );
      }),
    );
  });

  it("a union names each scope once, in the order of mention", () => {
    expect(unionOfScopes("b a", undefined, "a  c")).toBe("b a c");
    expect(unionOfScopes("", undefined)).toBeUndefined();
  });

  it("offline_access is asked for where it is offered, once, and never alone", () => {
    expect(withOfflineAccess("a", ["a", "offline_access"])).toBe("a offline_access");
    expect(withOfflineAccess("offline_access a", ["offline_access"])).toBe("offline_access a");
    expect(withOfflineAccess("a", ["a"])).toBe("a");
    expect(withOfflineAccess("a", undefined)).toBe("a");
    expect(withOfflineAccess(undefined, ["offline_access"])).toBeUndefined();
  });
});
