import type { Principal, ProtectedPrimitive } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policy } from "./policy.ts";
import type { PolicyOptions } from "./policy-options.ts";

function primitive(over: Partial<ProtectedPrimitive> = {}): ProtectedPrimitive {
  return { kind: "tool", name: "a", scopes: [], roles: [], tags: [], ...over };
}

function someone(over: Partial<Principal> = {}): Principal {
  return { id: "ada", scopes: [], roles: [], ...over };
}

function effect(options: PolicyOptions, principal: Principal | undefined, of: ProtectedPrimitive) {
  return policy(options).decide(principal, of).effect;
}

describe("policy", () => {
  it("opens what demands nothing to everybody who is known, unless told otherwise", () => {
    expect(effect({}, someone(), primitive())).toBe("allow");
    expect(effect({ default: "deny" }, someone(), primitive())).toBe("hide");
    const demanding = primitive({ scopes: ["read"] });
    expect(effect({ default: "deny" }, someone({ scopes: ["read"] }), demanding)).toBe("allow");
  });

  it("shows nobody anything, unless told otherwise", () => {
    expect(effect({}, undefined, primitive())).toBe("hide");
    expect(effect({ anonymous: true }, undefined, primitive())).toBe("allow");
    expect(effect({ anonymous: true }, undefined, primitive({ roles: ["x"] }))).toBe("hide");
    expect(effect({ anonymous: true, default: "deny" }, undefined, primitive())).toBe("hide");
    expect(policy({ anonymous: true }).notices).toHaveLength(1);
    expect(policy().notices).toEqual([]);
  });

  it("needs every scope and one of the roles", () => {
    const both = primitive({ scopes: ["read", "write"], roles: ["admin", "editor"] });
    const may = { scopes: ["write", "read"], roles: ["editor"] };
    expect(effect({}, someone(may), both)).toBe("allow");
    expect(effect({}, someone({ ...may, roles: [] }), both)).toBe("hide");
    expect(effect({}, someone({ ...may, scopes: ["read"] }), both)).toBe("challenge");
    expect(effect({ missingScopes: "hide" }, someone({ ...may, scopes: ["read"] }), both)).toBe(
      "hide",
    );
  });

  it("names every scope that is needed, those of the rules included", () => {
    const rules = [{ tags: ["billing"], scopes: ["billing", "read"] }];
    const decision = policy({ rules }).decide(
      someone({ scopes: ["read"] }),
      primitive({ scopes: ["read", "write"], tags: ["billing"] }),
    );
    expect(decision).toEqual({
      effect: "challenge",
      scopes: ["read", "write", "billing"],
      failure: {
        status: 403,
        headers: {
          "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="read write billing"',
        },
        message: "The credential lacks a scope",
        stage: "scope",
      },
    });
  });

  it("honours scopes that include others, in a circle too", () => {
    const scopeHierarchy = { admin: ["write"], write: ["read"], read: ["admin"], odd: ["x"] };
    for (const scope of ["admin", "write", "read"]) {
      const of = primitive({ scopes: ["admin", "write", "read"] });
      expect(effect({ scopeHierarchy }, someone({ scopes: [scope] }), of)).toBe("allow");
    }
    expect(
      effect({ scopeHierarchy }, someone({ scopes: ["odd"] }), primitive({ scopes: ["read"] })),
    ).toBe("challenge");
  });

  it.each(["Read", "READ", "read ", "reads", "rea", "read:all", "rеad", "read\u0000", "ｒead"])(
    "does not take the scope or the role %j for read",
    (given) => {
      const caller = someone({ scopes: [given], roles: [given] });
      expect(effect({}, caller, primitive({ scopes: ["read"] }))).toBe("challenge");
      expect(effect({}, caller, primitive({ roles: ["read"] }))).toBe("hide");
    },
  );

  it("selects groups by kind, name and tag", () => {
    const rule = { kinds: ["tool"], names: ["a", "b"], tags: ["x", "y"], roles: ["r"] } as const;
    const rules = [rule];
    const within = primitive({ tags: ["y"] });
    expect(effect({ rules }, someone(), within)).toBe("hide");
    expect(effect({ rules }, someone({ roles: ["r"] }), within)).toBe("allow");
    for (const over of [
      { kind: "prompt" as const },
      { name: "A" },
      { tags: [] },
      { tags: ["z"] },
    ]) {
      expect(effect({ rules }, someone(), primitive({ tags: ["y"], ...over }))).toBe("allow");
    }
  });

  it("asks rule functions, and takes nothing but true", () => {
    const asked: string[] = [];
    const when = ({ id, claims }: Principal): boolean => {
      asked.push(id);
      return claims?.["team"] as boolean;
    };
    const own = policy({ rules: [{ when }] });
    const tool = primitive();
    const ada = someone({ claims: { team: true } });
    expect(own.decide(ada, tool).effect).toBe("allow");
    expect(own.decide(ada, tool).effect).toBe("allow");
    expect(own.decide(someone({ id: "bob", claims: { team: 1 } }), tool).effect).toBe("hide");
    expect(own.decide(someone({ id: "eve" }), tool).effect).toBe("hide");
    expect(asked).toEqual(["ada", "bob", "eve"]);
  });

  it("decides anew for a new registration of the same name", () => {
    const own = policy();
    const ada = someone();
    expect(own.decide(ada, primitive()).effect).toBe("allow");
    expect(own.decide(ada, primitive({ roles: ["x"] })).effect).toBe("hide");
  });

  it("decides the same whatever it remembers", () => {
    const permission = fc.subarray(["a", "b", "c"]);
    const caller = fc
      .record({ scopes: permission, roles: permission })
      .map((over) => someone(over));
    const of = fc
      .record({ scopes: permission, roles: permission, tags: permission })
      .map((over) => primitive(over));
    const rules = [
      { tags: ["a"], scopes: ["b"] },
      { tags: ["b"], roles: ["c"] },
    ];
    for (const more of [
      [],
      [{ tags: ["c"], when: ({ scopes }: Principal) => scopes.includes("c") }],
    ]) {
      const options = { rules: [...rules, ...more] };
      const small = policy({ ...options, maxCached: 2 });
      fc.assert(
        fc.property(
          fc.array(caller, { maxLength: 5 }),
          fc.array(of, { maxLength: 3 }),
          (callers, all) => {
            for (const each of [...callers, ...callers]) {
              for (const one of all) {
                expect(small.decide(each, one)).toEqual(
                  policy(options).decide({ ...each }, { ...one }),
                );
              }
            }
          },
        ),
        { numRuns: 100 },
      );
    }
  });

  it.each<[string, PolicyOptions, RegExp]>([
    ["another default", { default: "ask" as never }, /"allow" or "deny"/],
    ["a rule that demands nothing", { rules: [{ tags: ["x"] }] }, /rules\[0\]" demands nothing/],
    ["an empty list of scopes", { rules: [{ scopes: [] }] }, /"rules\[0\].scopes" is an empty/],
    [
      "an empty selection",
      { rules: [{ tags: [], roles: ["x"] }] },
      /"rules\[0\].tags" is an empty/,
    ],
    ["a kind that is none", { rules: [{ kinds: ["tools" as never], roles: ["x"] }] }, /"tools"/],
    ["a misspelt member", { rules: [{ role: ["x"] } as never] }, /unknown option "role"/],
    [
      "another answer to missing scopes",
      { missingScopes: "show" as never },
      /"challenge" or "hide"/,
    ],
    ["a misspelt option", { defaults: "deny" } as never, /unknown option "defaults"/],
  ])("refuses %s", (_name, options, message) => {
    expect(() => policy(options)).toThrow(message);
  });
});
