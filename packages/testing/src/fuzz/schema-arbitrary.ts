import { isJsonObject, type JsonSchema } from "@backplane/protocol";
import fc, { type Arbitrary } from "fast-check";
import { formatOf } from "./formats.ts";
import { merged } from "./merged-schema.ts";

/** A schema says something from which no values can be made. */
export class UnmakeableSchemaError extends Error {
  override readonly name: string = "UnmakeableSchemaError";
}

type Schema = Readonly<Record<string, unknown>>;

interface Walk {
  readonly root: Schema;
  readonly depth: number;
}

/** Beyond it, what is optional is left out, so that a schema which holds itself comes to an end. */
const SPARE_DEPTH = 4;
const MAX_DEPTH = 24;
/** Longest text and list where the schema names no bound. */
const USUAL_LENGTH = 12;

/**
 * Values that fit a JSON Schema, as far as its keywords are understood; the caller checks them with a
 * validator, which knows them all.
 * @throws {UnmakeableSchemaError} for `false`, a reference to nowhere, or one that never ends.
 */
export function schemaArbitrary(schema: JsonSchema): Arbitrary<unknown> {
  return make(schema, { root: schema, depth: 0 });
}

function make(schema: unknown, walk: Walk): Arbitrary<unknown> {
  if (schema === true || schema === undefined) return anything();
  if (schema === false || !isJsonObject(schema)) throw new UnmakeableSchemaError("nothing fits it");
  if (walk.depth > MAX_DEPTH) throw new UnmakeableSchemaError("it holds itself without an end");
  const deeper = { ...walk, depth: walk.depth + 1 };
  const { $ref, allOf, anyOf, oneOf, ...rest } = schema as Schema;
  if (typeof $ref === "string") return make(merged(rest, resolve($ref, walk.root)), deeper);
  if (Array.isArray(allOf)) {
    const parts = allOf.map((part) => dereferenced(part, walk.root));
    return make(merged({ ...rest, ...(anyOf !== undefined && { anyOf }) }, ...parts), deeper);
  }
  const branches = (anyOf ?? oneOf) as readonly unknown[] | undefined;
  if (Array.isArray(branches)) {
    const made = branches.flatMap((branch) => {
      try {
        return [make(merged(rest, dereferenced(branch, walk.root)), deeper)];
      } catch (error) {
        if (error instanceof UnmakeableSchemaError) return [];
        throw error;
      }
    });
    if (made.length === 0) throw new UnmakeableSchemaError("no branch of it can be made");
    return fc.oneof(...made);
  }
  if ("const" in schema) return fc.constant(schema["const"]);
  const choices = schema["enum"];
  if (Array.isArray(choices)) {
    if (choices.length === 0) throw new UnmakeableSchemaError("no value is left to choose");
    return fc.constantFrom(...(choices as unknown[]));
  }
  const types = typesOf(schema);
  return fc.oneof(...types.map((type) => makeType(type, schema, walk)));
}

function makeType(type: string, schema: Schema, walk: Walk): Arbitrary<unknown> {
  switch (type) {
    case "object":
      return makeObject(schema, walk);
    case "array":
      return makeArray(schema, walk);
    case "string":
      return makeString(schema);
    case "integer":
      return makeInteger(schema);
    case "number":
      return makeNumber(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      throw new UnmakeableSchemaError(`its type ${JSON.stringify(type)} is none`);
  }
}

function makeObject(schema: Schema, walk: Walk): Arbitrary<unknown> {
  const properties = (schema["properties"] ?? {}) as Schema;
  const required = new Set((schema["required"] ?? []) as string[]);
  const deeper = { ...walk, depth: walk.depth + 1 };
  const model: Record<string, Arbitrary<unknown>> = {};
  for (const name of new Set([...Object.keys(properties), ...required])) {
    if (required.has(name)) model[name] = make(properties[name], deeper);
    else if (walk.depth < SPARE_DEPTH) {
      try {
        model[name] = make(properties[name], deeper);
      } catch (error) {
        // What is optional and cannot be made is left out.
        if (!(error instanceof UnmakeableSchemaError)) throw error;
      }
    }
  }
  const named = fc.record(model, {
    requiredKeys: Object.keys(model).filter((name) => required.has(name)),
    noNullPrototype: true,
  });
  const more = schema["additionalProperties"];
  const fewest = (schema["minProperties"] as number | undefined) ?? 0;
  const wantsMore = isJsonObject(more) || Object.keys(model).length < fewest;
  if (!wantsMore || more === false || walk.depth >= SPARE_DEPTH) return named;
  const extra = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), make(more, deeper), {
    minKeys: fewest,
    maxKeys: Math.max(fewest, 3),
    noNullPrototype: true,
  });
  return fc.tuple(extra, named).map(([others, own]) => ({ ...others, ...own }));
}

function makeArray(schema: Schema, walk: Walk): Arbitrary<unknown> {
  const deeper = { ...walk, depth: walk.depth + 1 };
  const minLength = (schema["minItems"] as number | undefined) ?? 0;
  const usual = walk.depth < SPARE_DEPTH ? Math.max(minLength, USUAL_LENGTH / 2) : minLength;
  const maxLength = Math.min(
    (schema["maxItems"] as number | undefined) ?? usual,
    Math.max(usual, 1),
  );
  const prefix = schema["prefixItems"];
  if (Array.isArray(prefix)) return fc.tuple(...prefix.map((item) => make(item, deeper)));
  if (maxLength === 0) return fc.constant([]);
  const bounds = { minLength, maxLength: Math.max(minLength, maxLength) };
  const item = make(schema["items"], deeper);
  return schema["uniqueItems"] === true
    ? fc.uniqueArray(item, { ...bounds, selector: (value) => JSON.stringify(value) })
    : fc.array(item, bounds);
}

function makeString(schema: Schema): Arbitrary<unknown> {
  const minLength = (schema["minLength"] as number | undefined) ?? 0;
  const highest = (schema["maxLength"] as number | undefined) ?? Number.POSITIVE_INFINITY;
  const maxLength = Math.min(highest, Math.max(minLength, USUAL_LENGTH));
  const { format, pattern } = schema;
  const formatted = typeof format === "string" ? formatOf(format) : undefined;
  if (formatted !== undefined) return formatted;
  if (typeof pattern === "string") {
    try {
      return fc.stringMatching(new RegExp(pattern, "u"));
    } catch {
      throw new UnmakeableSchemaError(`no text can be made from its pattern ${pattern}`);
    }
  }
  // JSON Schema counts characters, not UTF-16 code units: those of one unit are no matter of doubt.
  const plain = fc.string({ unit: "grapheme-ascii", minLength, maxLength });
  return minLength === 0 && maxLength >= USUAL_LENGTH
    ? fc.oneof(plain, fc.string({ unit: "binary", maxLength }).filter(isWellFormed))
    : plain;
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

function makeInteger(schema: Schema): Arbitrary<unknown> {
  const step = (schema["multipleOf"] as number | undefined) ?? 1;
  const { low, high } = boundsOf(schema);
  const min = Math.ceil((low ?? Math.min(-1_000_000, (high ?? 0) - 1_000_000)) / step);
  const max = Math.floor((high ?? Math.max(1_000_000, (low ?? 0) + 1_000_000)) / step);
  const { exclusiveMinimum, exclusiveMaximum } = schema;
  const from =
    typeof exclusiveMinimum === "number" && min * step <= exclusiveMinimum ? min + 1 : min;
  const to = typeof exclusiveMaximum === "number" && max * step >= exclusiveMaximum ? max - 1 : max;
  if (from > to) throw new UnmakeableSchemaError("no number is within its bounds");
  return fc.integer({ min: clamp(from), max: clamp(to) }).map((value) => value * step);
}

function makeNumber(schema: Schema): Arbitrary<unknown> {
  if (typeof schema["multipleOf"] === "number") return makeInteger(schema);
  const { low, high } = boundsOf(schema);
  const min = low ?? Math.min(-1e6, (high ?? 0) - 1e6);
  const max = high ?? Math.max(1e6, (low ?? 0) + 1e6);
  if (min > max) throw new UnmakeableSchemaError("no number is within its bounds");
  return fc
    .double({
      min,
      max,
      minExcluded: schema["exclusiveMinimum"] !== undefined,
      maxExcluded: schema["exclusiveMaximum"] !== undefined,
      noNaN: true,
    })
    .map((value) => (Object.is(value, -0) ? 0 : value));
}

function boundsOf(schema: Schema): { low: number | undefined; high: number | undefined } {
  const number = (name: string) => schema[name] as number | undefined;
  return {
    low: number("minimum") ?? number("exclusiveMinimum"),
    high: number("maximum") ?? number("exclusiveMaximum"),
  };
}

/** fast-check's integers are safe ones. */
function clamp(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, value));
}

function anything(): Arbitrary<unknown> {
  return fc.jsonValue({ maxDepth: 2 }).map(withoutNegativeZero);
}

/** JSON has no negative zero: it would come back as another value. */
function withoutNegativeZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const TYPE_KEYWORDS: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  ["object", ["properties", "required", "additionalProperties", "minProperties"]],
  ["array", ["items", "prefixItems", "minItems", "maxItems"]],
  ["string", ["minLength", "maxLength", "pattern", "format"]],
  ["number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]],
];

/** The types of a schema that may name none: then those that its keywords speak of. */
function typesOf(schema: Schema): readonly string[] {
  const { type } = schema;
  if (typeof type === "string") return [type];
  if (Array.isArray(type) && type.length > 0) return type as string[];
  const meant = TYPE_KEYWORDS.filter(([, keywords]) => keywords.some((name) => name in schema));
  return meant.length > 0
    ? meant.map(([name]) => name)
    : ["object", "array", "string", "number", "boolean", "null"];
}

function dereferenced(schema: unknown, root: Schema): unknown {
  const reference = isJsonObject(schema) ? schema["$ref"] : undefined;
  if (typeof reference !== "string") return schema;
  const { $ref: _reference, ...rest } = schema as Schema;
  return merged(rest, resolve(reference, root));
}

/** A JSON pointer within the document (RFC 6901). */
function resolve(reference: string, root: Schema): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) {
    throw new UnmakeableSchemaError(`its reference ${reference} leads out of the document`);
  }
  let found: unknown = root;
  for (const part of reference.split("/").slice(1)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = isJsonObject(found) || Array.isArray(found) ? (found as Schema)[name] : undefined;
    if (found === undefined) {
      throw new UnmakeableSchemaError(`its reference ${reference} leads nowhere`);
    }
  }
  return found;
}
