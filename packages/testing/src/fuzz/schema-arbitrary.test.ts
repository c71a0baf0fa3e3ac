import { compileSchema, type JsonSchema } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { schemaArbitrary, UnmakeableSchemaError } from "../fuzz.ts";

const node = { $ref: "#/$defs/node" };

/** One schema for each thing that the maker knows. */
const schemas: Record<string, JsonSchema> = {
  anything: {},
  texts: { type: "string", minLength: 3, maxLength: 5 },
  patterns: { type: "string", pattern: "^[A-Z]{2}-\\d{3}$" },
  integers: { type: "integer", minimum: -3, exclusiveMaximum: 12 },
  "a step": { type: "integer", multipleOf: 7, minimum: 10, maximum: 50 },
  "an exclusive step": { type: "integer", multipleOf: 5, exclusiveMinimum: 10, maximum: 30 },
  numbers: { type: "number", exclusiveMinimum: 0, maximum: 1 },
  "numbers over a million": { type: "number", minimum: 5e6 },
  choices: { enum: ["a", 1, null] },
  constants: { const: { a: [1] } },
  "several types": { type: ["string", "null"] },
  "no type but keywords": { minItems: 2, items: { type: "boolean" } },
  lists: { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 4, uniqueItems: true },
  tuples: { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], items: false },
  objects: {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "integer" } },
    required: ["a"],
    additionalProperties: false,
  },
  maps: { type: "object", additionalProperties: { type: "number" }, minProperties: 1 },
  "either of": { anyOf: [{ type: "string" }, { type: "integer", minimum: 5 }] },
  "one of, by a tag": {
    oneOf: [
      { type: "object", properties: { kind: { const: "a" } }, required: ["kind"] },
      {
        type: "object",
        properties: { kind: { const: "b" }, n: { type: "integer" } },
        required: ["kind", "n"],
      },
    ],
  },
  "all of": {
    allOf: [
      { type: "object", properties: { a: { type: "integer", minimum: 1 } }, required: ["a"] },
      { properties: { a: { maximum: 3 }, b: { type: "string" } }, required: ["b"] },
    ],
  },
  references: {
    type: "object",
    properties: { "a/b": node },
    required: ["a/b"],
    $defs: {
      node: {
        type: "object",
        properties: { value: { type: "integer" }, next: node, all: { type: "array", items: node } },
        required: ["value"],
      },
    },
  },
};

/** What schema libraries write. */
const converted: Record<string, z.ZodType> = {
  formats: z.object({
    email: z.email(),
    day: z.iso.date(),
    at: z.iso.datetime(),
    id: z.uuid(),
    link: z.url(),
    host: z.ipv4(),
  }),
  "a plan": z.object({
    steps: z.array(z.object({ name: z.string().min(1), wait: z.int().min(0).optional() })).min(1),
    mode: z.enum(["fast", "slow"]).default("fast"),
    tags: z.record(z.string(), z.boolean()).optional(),
    price: z.number().nonnegative().nullable(),
  }),
};

function check(name: string, schema: JsonSchema, validate: (value: unknown) => unknown): void {
  const values = fc.sample(schemaArbitrary(schema), { numRuns: 200, seed: 42 });
  for (const value of values) expect(validate(value), name).toBeUndefined();
  // Something of a choice comes out, not always the same.
  const distinct = new Set(values.map((value) => JSON.stringify(value)));
  if (!("const" in schema)) expect(distinct.size, name).toBeGreaterThan(1);
}

describe("values made from a JSON Schema fit it", () => {
  it.each(Object.entries(schemas))("%s", (name, schema) => {
    const { validate } = compileSchema(schema, {
      side: "input",
      subject: name,
      requireObjectRoot: false,
    });
    check(name, schema, (value) => (validate(value) as { issues?: unknown }).issues);
  });

  it.each(Object.entries(converted))("%s of a schema library", (name, schema) => {
    const { jsonSchema, validate } = compileSchema(schema, {
      side: "input",
      subject: name,
      requireObjectRoot: true,
    });
    check(name, jsonSchema, (value) => (validate(value) as { issues?: unknown }).issues);
  });
});

describe("a schema that no value can be made from", () => {
  it.each<[string, unknown]>([
    ["nothing fits", { type: "object", properties: { a: false }, required: ["a"] }],
    ["a reference to nowhere", { $ref: "#/$defs/none" }],
    ["a reference elsewhere", { $ref: "https://example.com/schema" }],
    ["one that never ends", { $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }],
    ["an endless object", { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }],
    ["bounds that cross", { type: "integer", minimum: 5, maximum: 4 }],
    ["no choice", { enum: [] }],
    ["no branch", { anyOf: [false, { $ref: "#/none" }] }],
    ["a look-ahead", { type: "string", pattern: "^(?=a)b" }],
    ["no such type", { type: "text" }],
  ])("is named: %s", (_name, schema) => {
    expect(() => schemaArbitrary(schema as JsonSchema)).toThrow(UnmakeableSchemaError);
  });
});
