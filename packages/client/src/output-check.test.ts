import type { JsonSchema } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { compileOutputCheck } from "./output-check.ts";

function check(schema: JsonSchema, value: unknown) {
  return compileOutputCheck(schema, "schema").validate(value).issues;
}

/** Definitions that each name the next one twice. */
function doubling(depth: number): JsonSchema {
  const $defs: Record<string, JsonSchema> = { d0: { type: "string" } };
  for (let level = 1; level <= depth; level++) {
    const $ref = `#/$defs/d${level - 1}`;
    $defs[`d${level}`] = { allOf: [{ $ref }, { $ref }] };
  }
  return { $defs, $ref: `#/$defs/d${depth}` };
}

describe("a schema that can tell in time", () => {
  const tree: JsonSchema = {
    $defs: {
      node: {
        type: "object",
        properties: {
          name: { type: "string", pattern: "^[a-z]+$" },
          children: { type: "array", items: { $ref: "#/$defs/node" } },
        },
        required: ["name"],
      },
    },
    $ref: "#/$defs/node",
  };

  it.each<[string, JsonSchema, unknown, unknown]>([
    ["plain", { type: "object", properties: { a: { type: "number" } } }, { a: 1 }, { a: "1" }],
    ["large value", { type: "array", items: { type: "number" } }, Array(20_000).fill(1), ["1"]],
    ["recursive", tree, { name: "a", children: [{ name: "b" }] }, { name: "a", children: [{}] }],
    ["pattern", { type: "string", pattern: "^a+$" }, "aaa", "b"],
    ["unique", { type: "array", uniqueItems: true }, [1, 2], [1, 1]],
  ])("%s", (_name, schema, good, bad) => {
    expect(check(schema, good)).toBeUndefined();
    expect(check(schema, bad)).not.toHaveLength(0);
  });
});

describe("a schema that cannot tell in time is given up", () => {
  it.each<[string, JsonSchema, unknown]>([
    ["definitions that double", doubling(40), "x"],
    ["a pattern that backtracks", { pattern: "^(a+)+$" }, `${"a".repeat(40)}!`],
    ["a reference to itself", { $ref: "#" }, {}],
  ])("%s", (_name, schema, value) => {
    const output = compileOutputCheck(schema, "schema");
    expect(() => output.validate(value)).toThrow();
    // The next one has the same chance.
    expect(() => output.validate(value)).toThrow();
  });

  it("while it is compiled", () => {
    const anyOf = Array.from({ length: 200_000 }, (_, index) => ({ const: index }));
    expect(() => compileOutputCheck({ anyOf }, "schema")).toThrow();
  });
});
