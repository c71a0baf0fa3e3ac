import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as zm from "zod/mini";
import { type CompiledSchema, compileSchema, SchemaError, type SchemaInput } from "./compile.ts";
import type { SchemaSide } from "./vendors.ts";

function compile(schema: SchemaInput, side: SchemaSide = "input"): CompiledSchema {
  return compileSchema(schema, { side, subject: `tool "t" ${side}`, requireObjectRoot: false });
}

function refusal(schema: SchemaInput, side: SchemaSide = "input"): SchemaError {
  try {
    compile(schema, side);
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError);
    return error as SchemaError;
  }
  throw new Error("the schema was accepted");
}

/** What each kind becomes on the input side; the schema of `value` in the JSON Schema. */
describe("what zod can say", () => {
  it.each([
    ["any", z.any(), {}],
    ["unknown", z.unknown(), {}],
    ["a coerced number", z.coerce.number(), { type: "number" }],
    ["a transform behind a string", z.string().transform(Number), { type: "string" }],
    [
      "a codec",
      z.codec(z.string(), z.date(), { decode: (s) => new Date(s), encode: (d) => d.toISOString() }),
      { type: "string" },
    ],
    ["a preprocessed number", z.preprocess(Number, z.number()), { type: "number" }],
    ["a refinement", z.string().refine(Boolean), { type: "string" }],
    ["a fallback", z.string().catch("x"), { type: "string", default: "x" }],
    ["never", z.never(), { not: {} }],
    ["a nullable", z.string().nullable(), { type: ["string", "null"] }],
    [
      "metadata",
      z.string().meta({ "x-mcp-header": "Region" }),
      { type: "string", "x-mcp-header": "Region" },
    ],
  ] as const)("%s", (_, schema, expected) => {
    const { jsonSchema } = compile(z.object({ value: schema }));
    expect((jsonSchema.properties as Record<string, unknown>).value).toMatchObject(expected);
  });

  it("a recursive object", () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    const compiled = compile(tree);
    expect(JSON.stringify(compiled.jsonSchema)).toContain('"$ref":"#"');
    expect(compiled.validate({ name: "a", children: [{ name: 1, children: [] }] })).toMatchObject({
      issues: [{ path: "children[0].name" }],
    });
  });
});

/** Each is a registration error at exactly this place, on the sides named. */
const inexpressible: readonly (readonly [string, SchemaInput, SchemaSide, string])[] = [
  [
    "zod date",
    z.object({ a: z.object({ when: z.date() }) }),
    "input",
    "#/properties/a/properties/when",
  ],
  ["zod date", z.object({ when: z.date() }), "output", "#/properties/when"],
  ["zod coerced date", z.object({ when: z.coerce.date() }), "input", "#/properties/when"],
  ["zod optional date", z.object({ when: z.date().optional() }), "input", "#/properties/when"],
  ["zod date in a list", z.object({ a: z.array(z.date()) }), "input", "#/properties/a/items"],
  [
    "zod date in a union",
    z.object({ a: z.union([z.string(), z.date()]) }),
    "input",
    "#/properties/a/anyOf/1",
  ],
  ["zod transform", z.object({ a: z.string().transform(Number) }), "output", "#/properties/a"],
  ["zod root transform", z.object({}).transform(Object.keys), "output", "#"],
  ["zod bigint", z.object({ a: z.bigint() }), "input", "#/properties/a"],
  ["zod bigint literal", z.object({ a: z.literal(1n) }), "input", "#/properties/a"],
  ["zod symbol", z.object({ a: z.symbol() }), "input", "#/properties/a"],
  ["zod undefined", z.object({ a: z.undefined() }), "input", "#/properties/a"],
  ["zod void", z.object({ a: z.void() }), "input", "#/properties/a"],
  ["zod NaN", z.object({ a: z.nan() }), "input", "#/properties/a"],
  ["zod map", z.object({ a: z.map(z.string(), z.string()) }), "input", "#/properties/a"],
  ["zod set", z.object({ a: z.set(z.string()) }), "input", "#/properties/a"],
  ["zod custom", z.object({ a: z.custom() }), "input", "#/properties/a"],
  ["zod instance", z.object({ a: z.instanceof(URL) }), "input", "#/properties/a"],
  [
    "zod function",
    z.object({ a: z.function() as unknown as z.ZodType }),
    "input",
    "#/properties/a",
  ],
  // zod itself writes a file as a string, which no JSON value satisfies.
  ["zod file", z.object({ a: z.file() }), "input", "#/properties/a"],
  // ArkType itself writes `{}` for all of these.
  ["arktype Date", type({ a: { when: "Date" } }), "input", "#/properties/a/properties/when"],
  ["arktype Date in a list", type({ a: "Date[]" }), "input", "#/properties/a/items"],
  ["arktype Date in a union", type({ a: "string|Date" }), "input", "#/properties/a/anyOf/1"],
  ["arktype bounded Date", type({ a: "Date > d'2020-01-01'" }), "input", "#/properties/a"],
  ["arktype parsed date", type({ a: "string.date.parse" }), "output", "#/properties/a"],
  ["arktype bigint", type({ a: "bigint" }), "input", "#/properties/a"],
  ["arktype symbol", type({ a: "symbol" }), "input", "#/properties/a"],
  ["arktype Function", type({ a: "Function" }), "input", "#/properties/a"],
  ["arktype Map", type({ a: "Map" }), "input", "#/properties/a"],
  ["arktype undefined", type({ a: "undefined" }), "input", "#/properties/a"],
  ["arktype bigint literal", type({ a: "1n" }), "input", "#/properties/a"],
  ["arktype symbol key", type({ [Symbol.iterator]: "string" }), "input", "#"],
  [
    "arktype undeclared morph",
    type({ a: [["string", "=>", Number], "[]"] }),
    "output",
    "#/properties/a/items",
  ],
  [
    "valibot date",
    toStandardJsonSchema(v.object({ a: v.object({ when: v.date() }) })),
    "input",
    "#/properties/a/properties/when",
  ],
  ["valibot bigint", toStandardJsonSchema(v.object({ a: v.bigint() })), "input", "#/properties/a"],
  ["valibot symbol", toStandardJsonSchema(v.object({ a: v.symbol() })), "input", "#/properties/a"],
  [
    "valibot function",
    toStandardJsonSchema(v.object({ a: v.function() })),
    "input",
    "#/properties/a",
  ],
  [
    "valibot custom",
    toStandardJsonSchema(v.object({ a: v.custom(() => true) })),
    "input",
    "#/properties/a",
  ],
  ["valibot blob", toStandardJsonSchema(v.object({ a: v.blob() })), "input", "#/properties/a"],
  [
    "valibot undefined",
    toStandardJsonSchema(v.object({ a: v.undefined() })),
    "input",
    "#/properties/a",
  ],
  [
    "valibot transform",
    toStandardJsonSchema(v.object({ a: v.pipe(v.string(), v.transform(Number)) })),
    "output",
    "#/properties/a",
  ],
  [
    "valibot toDate",
    toStandardJsonSchema(v.object({ a: v.pipe(v.string(), v.toDate()) })),
    "output",
    "#/properties/a",
  ],
  // Constraints behind it would be shown for the value before it.
  [
    "valibot lower case",
    toStandardJsonSchema(v.object({ a: v.pipe(v.string(), v.toLowerCase()) })),
    "input",
    "#/properties/a",
  ],
];

describe("what cannot be converted", () => {
  it.each(inexpressible)("%s (%#) is refused", (_, schema, side, path) => {
    const error = refusal(schema, side);
    expect(error).toMatchObject({
      code: "schema_not_convertible",
      path,
      subject: `tool "t" ${side}`,
    });
    expect(error.message).toContain(`tool "t" ${side}: ${path}: `);
    expect(error.message).not.toContain("x-backplane");
  });

  it("still converts on the side where it can", () => {
    expect(compile(type({ a: "string.date.parse" })).jsonSchema).toMatchObject({
      properties: { a: { type: "string" } },
    });
    const declared = type({ a: type("string").pipe(Number).to("number") });
    expect(compile(declared, "output").jsonSchema).toMatchObject({
      properties: { a: { type: "number" } },
    });
    expect(compile(type({ a: "unknown" })).jsonSchema).toMatchObject({ properties: { a: {} } });
  });

  it("lets valibot's checks, brands and trims pass, and still makes the checks", () => {
    const compiled = compile(
      toStandardJsonSchema(
        v.object({
          a: v.pipe(
            v.string(),
            v.trim(),
            v.minLength(1),
            v.check((text) => text !== "no", "is no"),
            v.brand("A"),
          ),
        }),
      ),
    );
    expect(compiled.jsonSchema.properties).toEqual({ a: { type: "string", minLength: 1 } });
    expect(compiled.validate({ a: " yes " })).toMatchObject({ value: { a: "yes" } });
    expect(compiled.validate({ a: "no" })).toEqual({ issues: [{ path: "a", message: "is no" }] });
  });
});

describe("a Standard Schema without JSON Schema", () => {
  const bare = (vendor: string): SchemaInput => ({
    "~standard": { version: 1, vendor, validate: (value: unknown) => ({ value }) },
  });

  it.each([
    [
      "valibot",
      v.object({ a: v.string() }),
      "toStandardJsonSchema(schema)` of @valibot/to-json-schema",
    ],
    ["zod/mini", zm.object({ a: zm.string() }), "z.toJSONSchema(schema)"],
    ["an old arktype", bare("arktype"), "arktype 2.1.28"],
    ["another library", bare("other"), "pass a raw JSON Schema"],
  ] as const)("of %s is refused with its remedy", (_, schema, remedy) => {
    const error = refusal(schema);
    expect(error.code).toBe("schema_not_convertible");
    expect(error.message).toContain(remedy);
  });
});
