import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { JsonSchema } from "../types/primitives.ts";
import { type CompiledSchema, compileSchema, SchemaError } from "./compile.ts";
import type { ValidationOutcome } from "./issues.ts";

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 300), seed: 2020_12 };

function compile(schema: JsonSchema): CompiledSchema {
  return compileSchema(schema, { side: "input", subject: "raw", requireObjectRoot: false });
}

function check(schema: JsonSchema, value: unknown): ValidationOutcome {
  return compile(schema).validate(value) as ValidationOutcome;
}

function refusal(schema: JsonSchema): SchemaError {
  try {
    compile(schema);
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError);
    return error as SchemaError;
  }
  throw new Error("the schema was accepted");
}

/** The schema of the suite's scenario `json-schema-2020-12`, in its parts. */
const full: JsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    other: { $ref: "#addressDef" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

describe("a raw JSON Schema", () => {
  it("is shown unchanged, key order included, and cannot be changed afterwards", () => {
    const given = structuredClone(full);
    const { jsonSchema } = compile(given);
    expect(JSON.stringify(jsonSchema)).toBe(JSON.stringify(full));
    (given.properties as Record<string, unknown>).name = { type: "number" };
    expect(JSON.stringify(jsonSchema)).toBe(JSON.stringify(full));
    expect(() => {
      (jsonSchema.properties as Record<string, unknown>).name = {};
    }).toThrow(TypeError);
  });

  it("validates with every keyword of 2020-12", () => {
    const compiled = compile(full);
    const good = { name: "x", phone: "1", contactMethod: "phone", address: { city: "y" } };
    expect(compiled.validate(good)).toEqual({ value: good });
    for (const bad of [
      { ...good, address: { city: 1 } },
      { ...good, other: { city: 1 } },
      { ...good, contactMethod: "fax" },
      { name: "x" },
      { ...good, extra: 1 },
    ]) {
      expect(compiled.validate(bad)).toHaveProperty("issues");
    }
    expect(check({ prefixItems: [{ type: "string" }], items: false }, ["a", 1])).toHaveProperty(
      "issues",
    );
    expect(
      check({ allOf: [{ properties: { a: true } }], unevaluatedProperties: false }, { b: 1 }),
    ).toEqual({ issues: [{ path: "b", message: "is not a known property" }] });
    const tree = {
      $dynamicAnchor: "node",
      type: "object",
      properties: { kids: { type: "array", items: { $dynamicRef: "#node" } } },
    };
    expect(check(tree, { kids: [{ kids: [1] }] })).toMatchObject({
      issues: [{ path: "kids[0].kids[0]" }],
    });
  });

  it("hands the value on as it is: nothing coerced, nothing filled in, nothing removed", () => {
    const schema = {
      type: "object",
      properties: { n: { type: "number", default: 5 }, m: { type: "number", default: 5 } },
    };
    const value = { n: 1, extra: true };
    const outcome = check(schema, value);
    expect(outcome).toEqual({ value: { n: 1, extra: true } });
    expect((outcome as { value: unknown }).value).toBe(value);
    expect(check(schema, { n: "1" })).toHaveProperty("issues");
  });

  it("names path and expectation of every fault", () => {
    const schema = {
      type: "object",
      properties: {
        location: { type: "string", minLength: 1 },
        items: {
          type: "array",
          items: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
        },
        unit: { enum: ["C", "F"] },
        kind: { const: "weather" },
        map: { type: "object", properties: { "0": { type: "string" }, "a/b": { type: "string" } } },
      },
      required: ["location"],
      additionalProperties: false,
    };
    expect(
      check(schema, {
        items: [{ name: "SECRET" }, {}, { name: 7 }],
        unit: "SECRET",
        kind: "SECRET",
        map: { "0": 1, "a/b": 2 },
        z: "SECRET",
      }),
    ).toEqual({
      issues: [
        { path: "location", message: "is required" },
        { path: "z", message: "is not a known property" },
        { path: "items[1].name", message: "is required" },
        { path: "items[2].name", message: "must be string" },
        { path: "unit", message: 'must be one of "C", "F"' },
        { path: "kind", message: 'must be "weather"' },
        { path: 'map["0"]', message: "must be string" },
        { path: 'map["a/b"]', message: "must be string" },
      ],
    });
  });

  it("tells a large value its first fault only, so that faults cost no memory", () => {
    const compiled = compile({ type: "array", items: { type: "string" } });
    expect(compiled.validate(new Array(100).fill(1))).toMatchObject({ issues: { length: 10 } });
    expect(compiled.validate(new Array(100_000).fill(1))).toMatchObject({
      issues: [{ path: "[0]", message: "must be string" }],
    });
  });

  it("is not satisfied by what every object inherits", () => {
    expect(check({ required: ["constructor"] }, {})).toHaveProperty("issues");
    expect(check({ required: ["__proto__"] }, {})).toHaveProperty("issues");
    expect(check({ properties: { toString: { type: "string" } } }, {})).toEqual({ value: {} });
  });

  it("treats a property named __proto__ like any other", () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as JsonSchema;
    expect(JSON.stringify(compile(schema).jsonSchema)).toBe(JSON.stringify(schema));
    const hostile: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    check({ type: "object", additionalProperties: { type: "string" } }, hostile);
    check(schema, hostile);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("takes formats and unknown keywords for annotations", () => {
    const schema = { type: "string", format: "email", "x-mcp-header": "A", whatever: [1] };
    expect(check(schema, "no address")).toEqual({ value: "no address" });
  });

  it("reads patterns as Unicode, and those written for the older kind too", () => {
    expect(check({ type: "string", pattern: "^.$" }, "😀")).toEqual({ value: "😀" });
    expect(check({ type: "string", pattern: "^a\\-b$" }, "a-b")).toEqual({ value: "a-b" });
  });

  it("keeps schemas with the same $id apart", () => {
    const first = compile({ $id: "https://x.example/s", type: "string" });
    const second = compile({ $id: "https://x.example/s", type: "number" });
    expect(first.validate("a")).toEqual({ value: "a" });
    expect(second.validate(1)).toEqual({ value: 1 });
  });
});

describe("dialects", () => {
  it.each([
    [
      "http://json-schema.org/draft-07/schema#",
      { items: [{ type: "string" }], additionalItems: false },
      ["a", 1],
    ],
    [
      "https://json-schema.org/draft/2019-09/schema",
      { items: [{ type: "string" }], unevaluatedItems: false },
      ["a", 1],
    ],
    [
      "https://json-schema.org/draft/2020-12/schema",
      { prefixItems: [{ type: "string" }], items: false },
      ["a", 1],
    ],
    ["https://json-schema.org/draft/2020-12/schema#", { type: "string" }, 1],
  ] as const)("%s is served", ($schema, rest, bad) => {
    expect(check({ $schema, ...rest }, bad)).toHaveProperty("issues");
    expect(compile({ $schema, ...rest }).jsonSchema.$schema).toBe($schema);
  });

  it.each(["http://json-schema.org/draft-04/schema#", "https://example.com/mine", 7])(
    "%s is refused and the supported ones are named",
    ($schema) => {
      const error = refusal({ $schema, type: "object" });
      expect(error).toMatchObject({ code: "schema_dialect_unsupported", path: "#/$schema" });
      expect(error.message).toContain("2020-12");
    },
  );
});

describe("references", () => {
  it.each([
    ["http", { $ref: "http://127.0.0.1/x.json" }, "#/$ref"],
    [
      "https, deep",
      { properties: { a: { items: { $ref: "https://x.example/a" } } } },
      "#/properties/a/items/$ref",
    ],
    ["https in $defs", { $defs: { a: { $ref: "https://x.example/a" } } }, "#/$defs/a/$ref"],
    ["https in a union", { anyOf: [true, { $ref: "https://x.example/a" }] }, "#/anyOf/1/$ref"],
    ["dynamic", { $dynamicRef: "https://x.example/a#b" }, "#/$dynamicRef"],
    ["relative", { $ref: "other.json" }, "#/$ref"],
    ["relative to its own $id", { $id: "https://x.example/a", $ref: "b" }, "#/$ref"],
    ["file", { $ref: "file:///etc/passwd" }, "#/$ref"],
    ["meta-schema", { $ref: "https://json-schema.org/draft/2020-12/schema" }, "#/$ref"],
    ["escaped name", { properties: { "a/b~": { $ref: "x" } } }, "#/properties/a~1b~0/$ref"],
  ])("%s is refused, and nothing is fetched", (_, schema, path) => {
    const fetched = vi.spyOn(globalThis, "fetch");
    expect(refusal(schema)).toMatchObject({ code: "schema_network_ref", path });
    expect(fetched).not.toHaveBeenCalled();
  });

  it("inside the document are followed: pointer, anchor, $id", () => {
    const schema = {
      $id: "https://x.example/root",
      properties: {
        pointer: { $ref: "#/$defs/text" },
        anchor: { $ref: "#text" },
        absolute: { $ref: "https://x.example/root#text" },
        relative: { $ref: "sub" },
        self: { $ref: "#" },
      },
      $defs: { text: { $anchor: "text", type: "string" }, sub: { $id: "sub", type: "number" } },
    };
    expect(
      check(schema, { pointer: "a", anchor: "b", absolute: "c", relative: 1, self: {} }),
    ).toHaveProperty("value");
    for (const name of ["pointer", "anchor", "absolute", "relative"]) {
      expect(check(schema, { [name]: true })).toMatchObject({ issues: [{ path: name }] });
    }
    expect(check(schema, { self: { pointer: 1 } })).toMatchObject({
      issues: [{ path: "self.pointer" }],
    });
  });

  it("are only looked for where schemas are", () => {
    const data = { $ref: "https://x.example/a" };
    const schema = {
      const: data,
      default: data,
      examples: [data],
      properties: { $ref: { type: "string" } },
    };
    expect(check(schema, data)).toEqual({ value: data });
  });

  it("to nowhere are refused", () => {
    expect(refusal({ $ref: "#/$defs/none" })).toMatchObject({ code: "schema_invalid" });
    expect(refusal({ $id: "http://[", $ref: "x" })).toMatchObject({ path: "#/$id" });
  });
});

describe("what is no schema", () => {
  const cycle: Record<string, unknown> = {};
  cycle.properties = { cycle };
  it.each([
    ["a wrong type", { properties: { a: { type: "strin" } } }, "#/properties/a/type"],
    ["a wrong keyword value", { required: "a" }, "#/required"],
    ["a bad pattern", { properties: { a: { pattern: "(" } } }, "#/properties/a"],
    ["a bad pattern name", { patternProperties: { "[": {} } }, "#"],
    ["a function", { properties: { a: () => true } }, "#/properties/a"],
    ["a bigint", { minimum: 1n }, "#/minimum"],
    ["infinity", { minimum: Number.POSITIVE_INFINITY }, "#/minimum"],
    ["a date", { default: new Date(0) }, "#/default"],
    ["a cycle", cycle, "#"],
  ])("%s is refused", (_, schema, path) => {
    expect(refusal(schema as JsonSchema)).toMatchObject({ code: "schema_invalid", path });
  });
});

describe("without Node's require", () => {
  afterEach(() => vi.restoreAllMocks());

  it("a raw schema is refused with the remedy", () => {
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
    const error = refusal({ type: "object" });
    expect(error.code).toBe("schema_validator_unavailable");
    expect(error.message).toContain("pass a Standard Schema");
  });
});

describe("where code generation is forbidden", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("a raw schema is refused with the remedy", () => {
    const forbid = (): never => {
      throw new EvalError("Code generation from strings disallowed for this context");
    };
    const original = globalThis.Function;
    vi.stubGlobal("Function", new Proxy(original, { construct: forbid, apply: forbid }));
    const error = refusal({ type: "object", properties: { fresh: { type: "string" } } });
    vi.unstubAllGlobals();
    expect(error.code).toBe("schema_validator_unavailable");
    expect(error.message).toContain("code generation");
  });
});

describe("any schema, any value", () => {
  const leaf = fc.oneof(
    fc.constantFrom<JsonSchema>(
      { type: "string" },
      { type: "integer", minimum: 0 },
      { type: ["boolean", "null"] },
      { enum: ["a", 1, null] },
      { const: { a: [1] } },
      { pattern: "^a+$" },
      { $ref: "#" },
      { $ref: "https://x.example/y" },
      { $ref: "#/properties/a" },
      { type: "strin" },
      { minLength: -1 },
    ),
  );
  const name = fc.constantFrom("a", "b", "$ref", "__proto__", "constructor", "a/b");
  const schemas = fc.letrec<{ schema: JsonSchema }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.dictionary(name, tie("schema")).map((properties) => ({ type: "object", properties })),
      fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
      fc
        .tuple(tie("schema"), fc.boolean())
        .map(([items, unique]) => ({ type: "array", items, uniqueItems: unique })),
      tie("schema").map((not) => ({ not })),
      fc.record({ if: tie("schema"), else: tie("schema"), additionalProperties: fc.boolean() }),
    ),
  })).schema;

  it("compiles or is refused with a SchemaError, and then answers every value", () => {
    let compiledCount = 0;
    fc.assert(
      fc.property(schemas, fc.array(fc.jsonValue(), { maxLength: 5 }), (schema, values) => {
        let compiled: CompiledSchema;
        try {
          compiled = compile(schema);
        } catch (error) {
          expect(error).toBeInstanceOf(SchemaError);
          return;
        }
        compiledCount++;
        for (const value of values) {
          const before = JSON.stringify(value);
          let outcome: ValidationOutcome;
          try {
            outcome = compiled.validate(value) as ValidationOutcome;
          } catch (error) {
            // `{"$ref": "#"}` alone never ends; the stack does.
            expect(error).toBeInstanceOf(RangeError);
            continue;
          }
          expect(JSON.stringify(value)).toBe(before);
          if (outcome.issues === undefined) expect(outcome.value).toBe(value);
          else expect(outcome.issues.length).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
    expect(compiledCount).toBeGreaterThan(RUNS.numRuns / 10);
  });
});
