import { compileSchema, type JsonSchema } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readForm } from "./form.ts";
import { RefusedQuestion } from "./question.ts";

function form(properties: object, more: object = {}) {
  return readForm({ type: "object", properties, ...more });
}

/** What a form says of a single property's value. */
function faultsOf(property: object, value: unknown): readonly string[] {
  return form({ x: property }).faults({ x: value });
}

describe("a form", () => {
  it("fills in defaults of every kind, and only for what is missing", () => {
    const { complete, faults } = form({
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      verified: { type: "boolean", default: false },
      status: { type: "string", enum: ["active", "inactive"], default: "active" },
      titled: { type: "string", oneOf: [{ const: "a", title: "A" }], default: "a" },
      legacy: { type: "string", enum: ["x"], enumNames: ["X"], default: "x" },
      several: { type: "array", items: { type: "string", enum: ["p", "q"] }, default: ["q"] },
      titledSeveral: { type: "array", items: { anyOf: [{ const: "t" }] }, default: [] },
      none: { type: "string" },
    });
    const completed = complete({ age: 31, none: undefined });
    expect(completed).toEqual({
      name: "John Doe",
      age: 31,
      score: 95.5,
      verified: false,
      status: "active",
      titled: "a",
      legacy: "x",
      several: ["q"],
      titledSeveral: [],
    });
    expect(faults(completed)).toEqual([]);
  });

  it.each([
    [{ type: "string", minLength: 3, default: "" }],
    [{ type: "string", enum: ["a"], default: "b" }],
    [{ type: "integer", default: 1.5 }],
    [{ type: "boolean", default: null }],
    [{ type: "array", items: { enum: ["a"] }, default: ["b"] }],
  ])("takes a default that breaks its own rules for none: %j", (property) => {
    expect(form({ x: property }).complete({})).toEqual({});
  });

  it.each([
    [{ type: "string" }, 1],
    [{ type: "string", minLength: 2 }, "é"],
    [{ type: "string", maxLength: 1 }, "ab"],
    [{ type: "string", format: "email" }, "nobody"],
    [{ type: "string", format: "date" }, "2026-02-30"],
    [{ type: "string", format: "uri" }, "no uri"],
    [{ type: "integer" }, 1.5],
    [{ type: "integer", minimum: 2 }, 1],
    [{ type: "number", maximum: 2 }, 3],
    [{ type: "number" }, Number.NaN],
    [{ type: "boolean" }, "true"],
    [{ enum: ["a"] }, "b"],
    [{ oneOf: [{ const: "a" }] }, "b"],
    [{ type: "array", items: { enum: ["a"] } }, ["b"]],
    [{ type: "array", items: { enum: ["a"] } }, "a"],
    [{ type: "array", items: { enum: ["a"] }, minItems: 1 }, []],
    [{ type: "array", items: { enum: ["a"] }, maxItems: 1 }, ["a", "a"]],
  ])("finds what does not fit %j: %j", (property, value) => {
    const faults = faultsOf(property, value);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^x: /);
  });

  it("counts characters, not UTF-16 units", () => {
    expect(faultsOf({ type: "string", maxLength: 1 }, "😀")).toEqual([]);
  });

  it("does not know what it was not told of, but lets an answer carry it", () => {
    expect(form({}).faults({ more: "yes", list: ["a"], n: 1, b: true })).toEqual([]);
    expect(form({}).faults({ nested: {} })).toHaveLength(1);
    expect(form({}).faults({ list: [1] })).toHaveLength(1);
    expect(form({}, { additionalProperties: false }).faults({ more: "yes" })).toHaveLength(1);
  });

  it("misses what is required, inherited members not being content", () => {
    const { faults } = form({ constructor: { type: "string" } }, { required: ["constructor"] });
    expect(faults({})).toEqual(["constructor: is required"]);
  });

  it("keeps a property named __proto__ a property", () => {
    const properties = JSON.parse('{"__proto__":{"type":"string","default":"x"}}');
    const completed = form(properties).complete({});
    expect(Object.keys(completed)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(completed)).toBe(Object.prototype);
    expect(JSON.stringify(completed)).toBe('{"__proto__":"x"}');
  });

  it("never runs a pattern of the server", () => {
    const property = { type: "string", pattern: "(a+)+$", default: `${"a".repeat(40)}!` };
    const { complete, faults } = form({ x: property });
    expect(faults(complete({}))).toEqual([]);
  });

  it.each<[unknown]>([
    [undefined],
    [null],
    ["form"],
    [[]],
    [{}],
    [{ type: "object" }],
    [{ type: "array", properties: {} }],
    [{ type: "object", properties: [] }],
    [{ type: "object", properties: {}, required: "x" }],
    [{ type: "object", properties: {}, required: [1] }],
    [{ type: "object", properties: {}, required: ["x"] }],
    [{ type: "object", properties: {}, required: ["toString"] }],
    ...[
      null,
      true,
      {},
      { type: "object", properties: {} },
      { type: "null" },
      { type: ["string", "null"] },
      { $ref: "#/$defs/x" },
      { $ref: "https://evil.example/schema" },
      { type: "array", items: { type: "string" } },
      { type: "array", items: { type: "object" } },
      { type: "array", items: [{ enum: ["a"] }] },
      { type: "array" },
      { enum: [] },
      { enum: [1] },
      { enum: "a" },
      { type: "integer", enum: ["1"] },
      { oneOf: [{ type: "string" }] },
      { oneOf: [null] },
      { oneOf: {} },
      { anyOf: [{ const: 1 }] },
      { type: "string", minLength: "1" },
      { type: "number", maximum: null },
    ].map((property): [unknown] => [{ type: "object", properties: { x: property } }]),
  ])("refuses %j", (schema) => {
    expect(() => readForm(schema)).toThrow(RefusedQuestion);
  });
});

/** Properties as the specification knows them, formats apart: JSON Schema takes those for annotations. */
const choices = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 });
const optional = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.option(arbitrary, { nil: undefined });
const bound = fc.nat({ max: 4 });
const property: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.record({
    type: fc.constant("string"),
    minLength: optional(bound),
    maxLength: optional(bound),
  }),
  fc.record({
    type: fc.constantFrom("number", "integer"),
    minimum: optional(bound),
    maximum: optional(bound),
  }),
  fc.record({ type: fc.constant("boolean") }),
  choices.map((values) => ({ type: "string", enum: values })),
  choices.map((values) => ({ type: "string", oneOf: values.map((value) => ({ const: value })) })),
  fc.record({
    type: fc.constant("array"),
    items: choices.map((values) => ({ type: "string", enum: values })),
    minItems: optional(bound),
    maxItems: optional(bound),
  }),
);
const value = fc.oneof(
  fc.constantFrom("a", "b", "", "😀😀", "long enough"),
  fc.integer({ min: -2, max: 6 }),
  fc.constantFrom(0.5, 2.5),
  fc.boolean(),
  fc.array(fc.constantFrom("a", "b", "z"), { maxLength: 5 }),
);
// ajv passes `__proto__` over; the form does not, which has a test of its own.
const names = ["x", "y", "toString"];
const forms = fc
  .record({
    properties: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), property), {
      selector: ([name]) => name,
    }),
    demanded: fc.subarray(names),
    closed: fc.boolean(),
  })
  .map(({ properties, demanded, closed }) => ({
    type: "object",
    properties: Object.fromEntries(properties.map(([name, one]) => [name, defined(one)])),
    required: demanded.filter((name) => properties.some(([known]) => known === name)),
    ...(closed && { additionalProperties: false }),
  }));
const contents = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name })
  .map((entries) => Object.fromEntries(entries));

function defined(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([, member]) => member !== undefined));
}

describe("any form", () => {
  it("judges as JSON Schema does", () => {
    fc.assert(
      fc.property(forms, contents, (schema, content) => {
        const compiled = compileSchema(schema, {
          side: "input",
          subject: "form",
          requireObjectRoot: true,
        });
        const outcome = compiled.validate(content) as { issues?: unknown };
        expect(readForm(schema).faults(content).length === 0).toBe(outcome.issues === undefined);
      }),
      { numRuns: 100 },
    );
  });

  it("never makes a good answer bad by its defaults, nor changes what was given", () => {
    const withDefaults = fc.tuple(forms, fc.array(value, { minLength: 3, maxLength: 3 }));
    fc.assert(
      fc.property(withDefaults, contents, ([schema, defaults], content) => {
        Object.values(schema.properties).forEach((one, index) => {
          one.default = defaults[index];
        });
        const { complete, faults } = readForm({ ...schema, required: [] });
        fc.pre(faults(content).length === 0);
        const completed = complete(content);
        expect(faults(completed)).toEqual([]);
        for (const [name, given] of Object.entries(content)) {
          expect(Object.getOwnPropertyDescriptor(completed, name)?.value).toBe(given);
        }
      }),
      { numRuns: 300 },
    );
  });
});
