import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type CompiledSchema,
  compileSchema,
  isStandardSchema,
  SchemaError,
  type SchemaInput,
  type ValidationIssue,
} from "./compile.ts";

type Side = "input" | "output";

function compile(
  schema: SchemaInput,
  side: Side = "input",
  requireObjectRoot = true,
): CompiledSchema {
  return compileSchema(schema, { side, subject: `tool "t" ${side}`, requireObjectRoot });
}

function refusal(schema: SchemaInput, side: Side = "input", requireObjectRoot = true): SchemaError {
  try {
    compile(schema, side, requireObjectRoot);
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError);
    return error as SchemaError;
  }
  throw new Error("the schema was accepted");
}

function issuesOf(compiled: CompiledSchema, value: unknown): readonly ValidationIssue[] {
  const outcome = compiled.validate(value);
  if (outcome instanceof Promise) throw new Error("the validator answered later");
  return outcome.issues ?? [];
}

/** The same object, said in each library: `name` of at least one character, `count` with a default. */
const libraries: readonly (readonly [string, SchemaInput])[] = [
  ["zod", z.object({ name: z.string().min(1), count: z.int().default(1) })],
  ["arktype", type({ name: "string>0", count: "number.integer = 1" })],
  [
    "valibot",
    toStandardJsonSchema(
      v.object({
        name: v.pipe(v.string(), v.minLength(1)),
        count: v.optional(v.pipe(v.number(), v.integer()), 1),
      }),
    ),
  ],
];

describe.each(libraries)("an object schema of %s", (_, schema) => {
  it("says itself in JSON Schema 2020-12, input side", () => {
    const { jsonSchema } = compile(schema);
    expect(jsonSchema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { name: { type: "string", minLength: 1 }, count: { type: "integer" } },
      required: ["name"],
    });
  });

  it("is frozen to its leaves", () => {
    const { jsonSchema } = compile(schema);
    expect(Object.isFrozen(jsonSchema)).toBe(true);
    expect(Object.isFrozen((jsonSchema.properties as Record<string, unknown>).name)).toBe(true);
    expect(Object.isFrozen(jsonSchema.required)).toBe(true);
  });

  it("gives the parsed value, at once", () => {
    expect(compile(schema).validate({ name: "a" })).toMatchObject({
      value: { name: "a", count: 1 },
    });
  });

  it("names the path of each fault, and never the value", () => {
    const issues = issuesOf(compile(schema), { name: "", count: "SECRET-VALUE" });
    expect(issues.map((one) => one.path).sort()).toEqual(["count", "name"]);
    expect(JSON.stringify(issues)).not.toContain("SECRET");
    for (const one of issues) expect(one.message.length).toBeGreaterThan(5);
  });

  it("refuses what is no object at all", () => {
    for (const value of [null, undefined, 1, "x", []]) {
      expect(issuesOf(compile(schema), value)).not.toHaveLength(0);
    }
  });
});

describe("issues", () => {
  it("says an index as an index and a strange name quoted", () => {
    const compiled = compile(
      z.object({ items: z.array(z.object({ name: z.string(), "a b": z.string().optional() })) }),
    );
    expect(issuesOf(compiled, { items: [{ name: "x" }, { name: 1, "a b": 2 }] })).toMatchObject([
      { path: "items[1].name" },
      { path: 'items[1]["a b"]' },
    ]);
  });

  it("reports ten at most", () => {
    const compiled = compile(z.object({ list: z.array(z.string()) }));
    expect(issuesOf(compiled, { list: new Array(1000).fill(0) })).toHaveLength(10);
  });

  it("keeps names and messages short, whatever the sender wrote", () => {
    const compiled = compile(z.strictObject({ map: z.record(z.string(), z.number()) }));
    const issues = issuesOf(compiled, {
      map: { ["k".repeat(100_000)]: "x" },
      ["z".repeat(100_000)]: 1,
    });
    expect(issues).toHaveLength(2);
    expect(JSON.stringify(issues).length).toBeLessThan(1000);
  });

  it.each([
    ["arktype", type({ a: "string.email", b: "1|2", c: "number" })],
    [
      "valibot",
      toStandardJsonSchema(
        v.object({ a: v.pipe(v.string(), v.email()), b: v.picklist([1, 2]), c: v.number() }),
      ),
    ],
    ["zod", z.object({ a: z.email(), b: z.literal([1, 2]), c: z.number() })],
  ] as const)("takes the value out of what %s writes", (_, schema) => {
    const compiled = compile(schema);
    const issues = issuesOf(compiled, { a: "SECRET", b: "SECRET", c: "SECRET" });
    expect(issues.map((one) => one.path).sort()).toEqual(["a", "b", "c"]);
    expect(JSON.stringify(issues)).not.toContain("SECRET");
  });

  it("keeps the author's own message", () => {
    const compiled = compile(z.object({ a: z.string("a name, please") }));
    expect(issuesOf(compiled, { a: 1 })).toEqual([{ path: "a", message: "a name, please" }]);
  });

  it("never passes a failure without a reason on as a success", () => {
    const mute = {
      "~standard": {
        version: 1,
        vendor: "mute",
        validate: () => ({ issues: [] }),
        jsonSchema: { input: () => ({ type: "object" }), output: () => ({ type: "object" }) },
      },
    } as const;
    expect(issuesOf(compile(mute), {})).toEqual([{ path: "", message: "is not valid" }]);
  });
});

describe("an asynchronous schema", () => {
  const taken = z.object({
    name: z.string().refine(async (name) => name !== "taken", "is taken"),
  });

  it("answers with a promise", async () => {
    const compiled = compile(taken);
    const outcome = compiled.validate({ name: "free" });
    expect(outcome).toBeInstanceOf(Promise);
    expect(await outcome).toEqual({ value: { name: "free" } });
    expect(await compiled.validate({ name: "taken" })).toEqual({
      issues: [{ path: "name", message: "is taken" }],
    });
  });
});

describe("the output side", () => {
  it("describes what validation gives", () => {
    const schema = z.object({ n: z.string().transform(Number).pipe(z.number()) });
    expect(compile(schema, "input").jsonSchema).toMatchObject({
      properties: { n: { type: "string" } },
    });
    expect(compile(schema, "output").jsonSchema).toMatchObject({
      properties: { n: { type: "number" } },
    });
  });

  it("may have any root", () => {
    expect(compile(z.array(z.string()), "output", false).jsonSchema).toMatchObject({
      type: "array",
    });
    expect(compile(z.union([z.string(), z.null()]), "output", false).validate(null)).toEqual({
      value: null,
    });
  });
});

describe("the root of a tool input", () => {
  const a = z.object({ a: z.string() });
  const b = z.object({ b: z.string() });

  it.each([
    ["zod union", z.union([a, b])],
    [
      "zod discriminated union",
      z.discriminatedUnion("k", [z.object({ k: z.literal(1) }), z.object({ k: z.literal(2) })]),
    ],
    ["zod nested union", z.union([a, z.union([a, b])])],
    ["zod intersection with a union", z.intersection(a, z.union([a, b]))],
    ["zod union with an id", z.union([a.meta({ id: "compile-test-a" }), b])],
    ["arktype union", type({ a: "string" }).or({ b: "string" })],
    ["valibot union", toStandardJsonSchema(v.union([v.object({ a: v.string() }), v.object({})]))],
    [
      "valibot intersection",
      toStandardJsonSchema(v.intersect([v.object({ a: v.string() }), v.object({})])),
    ],
    [
      "raw union",
      { anyOf: [{ type: "object" }, { $ref: "#/$defs/x" }], $defs: { x: { type: "object" } } },
    ],
  ] as const)("%s gets its type", (_, schema) => {
    const { jsonSchema } = compile(schema);
    expect(jsonSchema.type).toBe("object");
    expect(Object.isFrozen(jsonSchema)).toBe(true);
  });

  it.each([
    ["zod string", z.string(), '"string"'],
    ["zod array", z.array(a), '"array"'],
    ["zod nullable object", a.nullable(), "union"],
    ["zod union with a string", z.union([a, z.string()]), "union"],
    ["zod any", z.any(), "no stated type"],
    ["arktype number", type("number"), '"number"'],
    ["raw without a type", { properties: { a: {} } }, "no stated type"],
    ["raw with two types", { type: ["object", "null"] }, '["object","null"]'],
    ["raw loop", { $ref: "#" }, "no stated type"],
    [
      "raw reference to a string",
      { $ref: "#/$defs/s", $defs: { s: { type: "string" } } },
      "no stated type",
    ],
    ["raw empty union", { anyOf: [] }, "union"],
  ] as const)("%s is refused", (_, schema, words) => {
    const error = refusal(schema);
    expect(error).toMatchObject({ code: "schema_root_not_object", path: "#" });
    expect(error.message).toContain('tool "t" input');
    expect(error.message).toContain(words);
  });

  it("is the author's business elsewhere", () => {
    expect(compile(z.string(), "output", false).jsonSchema.type).toBe("string");
  });
});

describe("isStandardSchema", () => {
  it("knows schemas, objects and functions alike, from everything else", () => {
    expect(isStandardSchema(z.string())).toBe(true);
    expect(isStandardSchema(type("string"))).toBe(true);
    expect(isStandardSchema(v.string())).toBe(true);
    for (const value of [null, undefined, 1, "x", {}, { type: "object" }, { "~standard": null }]) {
      expect(isStandardSchema(value)).toBe(false);
    }
    expect(isStandardSchema({ "~standard": { version: 2, vendor: "x", validate() {} } })).toBe(
      false,
    );
  });

  it.each([null, undefined, "x", 1, [], true])("compileSchema refuses %j", (value) => {
    expect(refusal(value as unknown as SchemaInput).code).toBe("schema_invalid");
  });
});

describe("SchemaError", () => {
  it("is known across copies of the package", () => {
    const error = refusal(z.string());
    expect(SchemaError.isInstance(error)).toBe(true);
    expect(SchemaError.isInstance(new TypeError("x"))).toBe(false);
    expect(error).toBeInstanceOf(TypeError);
  });
});
