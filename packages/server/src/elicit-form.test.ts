import type { JsonSchema, Revision, SchemaInput } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compileForm } from "./elicit-form.ts";

const LATEST: Revision = "2026-07-28";
const OLDER: Revision = "2025-06-18";

function object(properties: JsonSchema, more: JsonSchema = {}): JsonSchema {
  return { type: "object", properties, ...more };
}

/** The field that a property becomes. */
function fieldOf(schema: SchemaInput, revision = LATEST): unknown {
  return (compileForm(schema).schemaFor(revision) as { properties: JsonSchema }).properties["x"];
}

async function refusal(schema: SchemaInput, content: Record<string, unknown>) {
  return (await compileForm(schema).validate(content)).issues?.map(({ path }) => path);
}

describe("a zod form", () => {
  it.each([
    ["a string", z.string().min(1).max(9), { type: "string", minLength: 1, maxLength: 9 }],
    ["an email", z.email(), { type: "string", format: "email" }],
    ["an email of zod 3's spelling", z.string().email(), { type: "string", format: "email" }],
    ["a URL", z.url(), { type: "string", format: "uri" }],
    ["a date", z.iso.date(), { type: "string", format: "date" }],
    ["a date-time", z.iso.datetime(), { type: "string", format: "date-time" }],
    ["a pattern", z.string().regex(/^[A-Z]+$/), { type: "string", pattern: "^[A-Z]+$" }],
    ["a number", z.number().min(1).max(2.5), { type: "number", minimum: 1, maximum: 2.5 }],
    ["an integer", z.number().int(), { type: "integer" }],
    ["a positive integer", z.int().positive(), { type: "integer", minimum: 1 }],
    ["a bounded integer", z.int().gt(2).lt(5), { type: "integer", minimum: 3, maximum: 4 }],
    ["a boolean", z.boolean(), { type: "boolean" }],
    ["an enum", z.enum(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    ["a literal", z.literal("a"), { type: "string", enum: ["a"] }],
    ["several literals", z.literal(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    [
      "titled literals",
      z.union([z.literal("a").meta({ title: "A" }), z.literal("b")]),
      {
        type: "string",
        oneOf: [
          { const: "a", title: "A" },
          { const: "b", title: "b" },
        ],
      },
    ],
    [
      "a choice of several",
      z
        .array(z.enum(["a", "b"]))
        .min(1)
        .max(2),
      { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["a", "b"] } },
    ],
    [
      "what is said about it",
      z.string().meta({ title: "Name", description: "Yours" }),
      { type: "string", title: "Name", description: "Yours" },
    ],
    [
      "a schema that has a name",
      z.enum(["a", "b"]).meta({ id: "Named", description: "Which" }),
      { type: "string", enum: ["a", "b"], description: "Which" },
    ],
  ])("writes %s as clients know it", (_case, property, field) => {
    expect(fieldOf(z.object({ x: property }))).toEqual(field);
  });

  it("keeps a uuid as the pattern that it is", () => {
    const field = fieldOf(z.object({ x: z.uuid() })) as JsonSchema;
    expect(Object.keys(field)).toEqual(["type", "pattern"]);
  });

  it("asks nobody for what has a default or is optional", () => {
    const form = z.object({
      a: z.string().default("John"),
      b: z.number().optional(),
      c: z.boolean().default(true),
      d: z.array(z.enum(["x"])).default(["x"]),
      e: z.string(),
    });
    expect(compileForm(form).schemaFor(LATEST)).toEqual({
      type: "object",
      properties: {
        a: { type: "string", default: "John" },
        b: { type: "number" },
        c: { type: "boolean", default: true },
        d: { type: "array", default: ["x"], items: { type: "string", enum: ["x"] } },
        e: { type: "string" },
      },
      required: ["e"],
    });
  });

  it("leaves out what forms do not know, and still holds answers to it", async () => {
    const form = z.strictObject({ x: z.string().refine((x) => x !== "no") });
    expect(compileForm(form).schemaFor(LATEST)).toEqual({
      type: "object",
      properties: { x: { type: "string" } },
      required: ["x"],
    });
    expect(await refusal(form, { x: "no" })).toEqual(["x"]);
    expect(await refusal(form, { x: "yes", y: 1 })).toEqual([""]);
    expect(await refusal(form, { x: "yes" })).toBeUndefined();
  });

  it.each([
    ["an object", z.object({ y: z.string() })],
    ["a list of strings", z.array(z.string())],
    ["a list of numbers", z.array(z.literal([1, 2]))],
    ["null", z.string().nullable()],
    ["numbers to choose from", z.literal([1, 2])],
    ["a literal true", z.literal(true)],
    ["a union", z.union([z.string(), z.number()])],
    ["a number without its bound", z.number().positive()],
    ["multiples", z.number().multipleOf(5)],
    ["a date", z.date()],
    ["anything", z.unknown()],
  ])("refuses %s, by the property's name", (_case, property) => {
    expect(() => compileForm(z.object({ fine: z.string(), x: property }))).toThrow(TypeError);
    expect(() => compileForm(z.object({ fine: z.string(), x: property }))).toThrow(/x\b/);
  });

  it("refuses anything but an object", () => {
    expect(() => compileForm(z.string())).toThrow(TypeError);
    expect(() => compileForm(z.union([z.object({ a: z.string() }), z.object({})]))).toThrow(
      '"anyOf" is more than a form can say',
    );
  });

  it("is compiled once", () => {
    const form = z.object({ x: z.string() });
    expect(compileForm(form)).toBe(compileForm(form));
  });
});

describe("a raw form", () => {
  it("keeps pattern and format, and the enum names of older clients", () => {
    const properties = {
      x: { type: "string", format: "email", pattern: "@example\\.com$" },
      y: { type: "string", enum: ["a", "b"], enumNames: ["A", "B"] },
      z: { type: "array", items: { anyOf: [{ const: "a", title: "A" }] } },
    };
    const raw = object(properties, {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
    });
    expect(compileForm(raw).schemaFor(LATEST)).toEqual(object(properties));
  });

  it.each([
    ["email", ["a@b", "a.b+c@d.example"], ["a", "@b", "a@", "a b@c", "a@b@c", "a@b..c"]],
    ["uri", ["https://a.example/?b#c", "mailto:a@b"], ["a", "//a", "/a", "http://", "1a:b"]],
    [
      "date",
      ["2024-02-29", "0001-01-01"],
      ["2023-02-29", "2024-2-1", "24-01-01", "2024-13-01", ""],
    ],
    [
      "date-time",
      ["2024-02-29T10:00:00Z", "2024-01-01t00:00:00.5+02:00"],
      ["2024-02-30T10:00:00Z", "2024-01-01T25:00:00Z", "2024-01-01T10:00:00", "2024-01-01"],
    ],
  ])("holds answers to the format %s", async (format, good, bad) => {
    const raw = object({ x: { type: "string", format } });
    for (const x of good) expect(await refusal(raw, { x }), x).toBeUndefined();
    for (const x of bad) expect(await refusal(raw, { x }), x).toEqual(["x"]);
  });

  it("checks a hostile text in linear time", async () => {
    const raw = object({ x: { type: "string", format: "email" } });
    const startedAtMs = performance.now();
    for (const part of ["a", ".", "a.", "@", "a@"]) await refusal(raw, { x: part.repeat(200_000) });
    // Quadratic work on these lengths takes minutes.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  });

  it("holds answers to its own rules", async () => {
    const raw = object(
      { x: { type: "integer", minimum: 1 }, y: { type: "string", enum: ["a"] } },
      { required: ["x"], additionalProperties: false },
    );
    expect(await refusal(raw, { x: 1, y: "a" })).toBeUndefined();
    expect(await refusal(raw, {})).toHaveLength(1);
    expect(await refusal(raw, { x: 0 })).toEqual(["x"]);
    expect(await refusal(raw, { x: 1, y: "b" })).toEqual(["y"]);
    expect(await refusal(raw, { x: 1, z: 1 })).toHaveLength(1);
  });

  it("may be empty: a confirmation", () => {
    expect(compileForm({ type: "object" }).schemaFor(LATEST)).toEqual(object({}));
  });

  it("follows references into itself", () => {
    const $defs = { a: { $ref: "#/$defs/b~1c" }, "b/c": { type: "string", enum: ["v"] } };
    expect(fieldOf(object({ x: { $ref: "#/$defs/a", title: "T" } }, { $defs }))).toEqual({
      type: "string",
      title: "T",
      enum: ["v"],
    });
  });

  it.each([
    ["a property that is no schema", { x: true }, /x/],
    ["another format", { x: { type: "string", format: "ipv4" } }, /"x".*format "ipv4"/],
    ["an empty enum", { x: { type: "string", enum: [] } }, /x/],
    ["too few enum names", { x: { enum: ["a", "b"], enumNames: ["A"] } }, /"x".*enumNames/],
    ["a default of another type", { x: { type: "string", default: 1 } }, /"x".*default/],
    ["a fraction as an integer's default", { x: { type: "integer", default: 1.5 } }, /"x"/],
    ["a union of types", { x: { type: ["string", "null"] } }, /"x"/],
    ["no type", { x: { title: "X" } }, /"x"/],
    ["a reference to nothing", { x: { $ref: "#/$defs/none" } }, /x|none/],
    ["a reference to itself", { x: { $ref: "#/properties/x" } }, /x/],
    ["an unknown keyword", { x: { type: "boolean", const: true } }, /"x".*"const"/],
  ])("refuses %s", (_case, properties, says) => {
    expect(() => compileForm(object(properties))).toThrow(TypeError);
    expect(() => compileForm(object(properties))).toThrow(says);
  });

  it.each([
    [{ properties: { x: { type: "string" } }, required: ["y"] }, /"y" is required/],
    [{ properties: { x: { type: "string" } }, minProperties: 1 }, /minProperties/],
    [{ patternProperties: { x: { type: "string" } } }, /patternProperties/],
    [{ properties: [] }, /properties/],
  ])("refuses %j as a whole", (more, says) => {
    expect(() => compileForm({ type: "object", ...more })).toThrow(says);
    expect(() => compileForm({ type: "object", ...more })).toThrow(TypeError);
  });

  it("refuses what is no schema", () => {
    for (const nothing of [undefined, null, 1, "a", [], true]) {
      expect(() => compileForm(nothing as never), String(nothing)).toThrow(TypeError);
    }
  });
});

describe("a form for 2025-06-18", () => {
  const oneOf = [{ const: "a", title: "A" }, { const: "b" }];

  it("has titles beside the values", () => {
    expect(fieldOf(object({ x: { type: "string", oneOf, default: "a" } }), OLDER)).toEqual({
      type: "string",
      default: "a",
      enum: ["a", "b"],
      enumNames: ["A", "b"],
    });
  });

  it("is the same where nothing changed since", () => {
    const properties = { x: { type: "string", enum: ["a"] }, y: { type: "number", default: 1 } };
    expect(compileForm(object(properties)).schemaFor(OLDER)).toEqual(object(properties));
  });

  it("cannot choose several, and says what can", () => {
    const form = compileForm(object({ x: { type: "array", items: { enum: ["a"] } } }));
    expect(() => form.schemaFor(OLDER)).toThrow(/"x".*2025-11-25.*one boolean/);
    expect(form.schemaFor("2025-11-25")).toBeDefined();
  });
});
