import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { JsonSchema } from "../types/primitives.ts";
import { compileSchema, SchemaError } from "./compile.ts";
import { argumentAt, headerParameters } from "./x-mcp-header.ts";

const property = (schema: JsonSchema): JsonSchema => ({
  type: "object",
  properties: { region: schema },
});

describe("headerParameters", () => {
  it("finds annotations at any depth of properties, in order", () => {
    expect(
      headerParameters({
        type: "object",
        properties: {
          region: { type: "string", "x-mcp-header": "Region" },
          options: {
            type: "object",
            properties: {
              limit: { type: "integer", "x-mcp-header": "Limit" },
              dry: { type: "boolean", "x-mcp-header": "Dry.Run~1" },
            },
          },
          plain: { type: "string" },
        },
      }),
    ).toEqual([
      { header: "mcp-param-region", path: ["region"], type: "string" },
      { header: "mcp-param-limit", path: ["options", "limit"], type: "integer" },
      { header: "mcp-param-dry.run~1", path: ["options", "dry"], type: "boolean" },
    ]);
  });

  it("finds none where there are none, and none in data", () => {
    expect(headerParameters({ type: "object" })).toEqual([]);
    expect(headerParameters(property({ type: "string", default: { "x-mcp-header": "" } }))).toEqual(
      [],
    );
    expect(
      headerParameters({ type: "object", properties: { "x-mcp-header": { type: "string" } } }),
    ).toEqual([]);
  });

  it("reads what zod carries as metadata", () => {
    const { jsonSchema } = compileSchema(
      z.object({ region: z.string().meta({ "x-mcp-header": "Region" }).optional() }),
      { side: "input", subject: "t", requireObjectRoot: true },
    );
    expect(headerParameters(jsonSchema)).toEqual([
      { header: "mcp-param-region", path: ["region"], type: "string" },
    ]);
  });

  const annotated = { type: "string", "x-mcp-header": "Region" };
  it.each([
    ["an empty name", property({ type: "string", "x-mcp-header": "" }), "#/properties/region"],
    [
      "a name with a space",
      property({ type: "string", "x-mcp-header": "a b" }),
      "#/properties/region",
    ],
    [
      "a name with a line break",
      property({ type: "string", "x-mcp-header": "a\r\nb" }),
      "#/properties/region",
    ],
    [
      "a name with a delimiter",
      property({ type: "string", "x-mcp-header": "a:b" }),
      "#/properties/region",
    ],
    [
      "a name beyond ASCII",
      property({ type: "string", "x-mcp-header": "é" }),
      "#/properties/region",
    ],
    [
      "a name that is no string",
      property({ type: "string", "x-mcp-header": 1 }),
      "#/properties/region",
    ],
    ["a number", property({ type: "number", "x-mcp-header": "Region" }), "#/properties/region"],
    ["an object", property({ type: "object", "x-mcp-header": "Region" }), "#/properties/region"],
    [
      "two types",
      property({ type: ["string", "null"], "x-mcp-header": "Region" }),
      "#/properties/region",
    ],
    ["no type", property({ enum: ["a"], "x-mcp-header": "Region" }), "#/properties/region"],
    ["the root", { type: "string", "x-mcp-header": "Region" }, "#"],
    ["items", property({ type: "array", items: annotated }), "#/properties/region/items"],
    [
      "a property of items",
      property({ items: property(annotated) }),
      "#/properties/region/items/properties/region",
    ],
    ["anyOf", property({ anyOf: [annotated] }), "#/properties/region/anyOf/0"],
    ["allOf at the root", { allOf: [property(annotated)] }, "#/allOf/0/properties/region"],
    ["additionalProperties", { additionalProperties: annotated }, "#/additionalProperties"],
    ["patternProperties", { patternProperties: { a: annotated } }, "#/patternProperties/a"],
    [
      "$defs, even when referred to",
      { properties: { a: { $ref: "#/$defs/a" } }, $defs: { a: annotated } },
      "#/$defs/a",
    ],
    ["else", { if: {}, else: property(annotated) }, "#/else/properties/region"],
    ["not", { not: annotated }, "#/not"],
    [
      "the same name in another case",
      { properties: { a: annotated, b: { type: "string", "x-mcp-header": "REGION" } } },
      "#/properties/b",
    ],
  ])("refuses %s", (_, schema, path) => {
    let error: unknown;
    try {
      headerParameters(schema, 'tool "t" input');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ code: "schema_header_invalid", path });
    expect((error as Error).message).toContain(`tool "t" input: ${path}: x-mcp-header`);
  });
});

describe("argumentAt", () => {
  it("goes through own properties only", () => {
    expect(argumentAt({ a: { b: 1 } }, ["a", "b"])).toBe(1);
    expect(argumentAt({ a: null }, ["a"])).toBeNull();
    for (const value of [undefined, null, 1, "x", [], {}, { a: 1 }]) {
      expect(argumentAt(value, ["a", "b"])).toBeUndefined();
    }
    expect(argumentAt({}, ["constructor", "name"])).toBeUndefined();
    expect(argumentAt({}, ["__proto__"])).toBeUndefined();
  });
});
