import { isJsonObject, type JsonSchema } from "@backplane/protocol";
import { hasOwn, listNames } from "./records.ts";

/**
 * Whether a value of one schema can fit another. Only what certainly cannot is a mismatch: a graph that might work
 * is let through, and the check of the values decides.
 */

const MAX_DEPTH = 16;

/** What a path leads to in a schema, or why it certainly leads nowhere. */
export type SchemaAt =
  | { readonly schema: JsonSchema | undefined; readonly missing?: undefined }
  | { readonly missing: string };

/** Follows a path into a schema, for as long as the schema says what is there. */
export function schemaAt(
  schema: JsonSchema | undefined,
  path: readonly string[],
  origin: string,
): SchemaAt {
  let current = schema;
  let walked = origin;
  for (const name of path) {
    if (current === undefined || isUnclear(current)) return { schema: undefined };
    const types = typesOf(current);
    if (types !== undefined && !types.has("object") && !types.has("array")) {
      return {
        missing: `there is no "${name}" in ${walked}, which is of type ${listNames(types)}`,
      };
    }
    const next = stepInto(current, name, types);
    if (next === "nowhere") {
      const known = isJsonObject(current.properties) ? Object.keys(current.properties) : [];
      return {
        missing: `there is no "${name}" in ${walked}; it has ${listNames(known, "nothing")}`,
      };
    }
    current = next;
    walked += `.${name}`;
  }
  return { schema: current };
}

function stepInto(
  schema: JsonSchema,
  name: string,
  types: ReadonlySet<string> | undefined,
): JsonSchema | undefined | "nowhere" {
  const { properties, items, additionalProperties } = schema;
  if (isJsonObject(properties) && hasOwn(properties, name)) return asSchema(properties[name]);
  if (types?.has("array") === true && /^\d+$/.test(name)) return asSchema(items);
  const onlyObject = types?.size === 1 && types.has("object");
  if (onlyObject && additionalProperties === false && schema.patternProperties === undefined) {
    return "nowhere";
  }
  return asSchema(additionalProperties);
}

/** Why `source` cannot fit `target`; undefined when it can. */
export function misfit(
  source: JsonSchema | undefined,
  target: JsonSchema | undefined,
  depth = 0,
): string | undefined {
  if (source === undefined || target === undefined || depth > MAX_DEPTH) return undefined;
  const sources = alternatives(source);
  const targets = alternatives(target);
  let reason: string | undefined;
  // One alternative that fits one other is enough.
  for (const from of sources) {
    for (const to of targets) {
      const fault = misfitOfOne(from, to, depth);
      if (fault === undefined) return undefined;
      reason ??= fault;
    }
  }
  return reason;
}

function misfitOfOne(source: JsonSchema, target: JsonSchema, depth: number): string | undefined {
  if (isUnclear(source) || isUnclear(target)) return undefined;
  const from = typesOf(source);
  const to = typesOf(target);
  if (from !== undefined && to !== undefined && !overlap(from, to)) {
    return `${listNames(from)} does not fit ${listNames(to)}`;
  }
  const values = valuesOf(source);
  const allowed = valuesOf(target);
  if (values !== undefined && allowed !== undefined && !values.some((v) => allowed.includes(v))) {
    return `none of ${listNames(values)} is one of ${listNames(allowed)}`;
  }
  if (isOnly(from, "array") && isOnly(to, "array")) {
    const fault = misfit(asSchema(source.items), asSchema(target.items), depth + 1);
    // An empty array fits every other.
    return fault === undefined || !needsItems(source) ? undefined : `its items: ${fault}`;
  }
  return isOnly(from, "object") && isOnly(to, "object")
    ? misfitOfObjects(source, target, depth)
    : undefined;
}

function misfitOfObjects(
  source: JsonSchema,
  target: JsonSchema,
  depth: number,
): string | undefined {
  const has = isJsonObject(source.properties) ? source.properties : {};
  const wants = isJsonObject(target.properties) ? target.properties : {};
  const required = Array.isArray(target.required) ? (target.required as unknown[]) : [];
  const closed = source.additionalProperties === false && source.patternProperties === undefined;
  for (const name of required) {
    if (typeof name !== "string") continue;
    if (!hasOwn(has, name)) {
      if (closed)
        return `"${name}" is required and missing; there is ${listNames(Object.keys(has))}`;
      continue;
    }
    const fault = misfit(
      asSchema(has[name]),
      hasOwn(wants, name) ? asSchema(wants[name]) : undefined,
      depth + 1,
    );
    if (fault !== undefined) return `"${name}": ${fault}`;
  }
  return undefined;
}

/** References and combined schemas are beyond a comparison that must never be wrong. */
function isUnclear(schema: JsonSchema): boolean {
  return ["$ref", "$dynamicRef", "allOf", "not", "if", "anyOf", "oneOf"].some((keyword) =>
    hasOwn(schema, keyword),
  );
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, oneOf, ...rest } = schema;
  const options = anyOf ?? oneOf;
  if (!Array.isArray(options) || options.length === 0) return [schema];
  // With further keywords beside them, the alternatives are not the whole truth.
  if (Object.keys(rest).some((keyword) => keyword === "type" || keyword === "properties")) {
    return [schema];
  }
  return options.map((option) => asSchema(option) ?? {});
}

function typesOf(schema: JsonSchema): ReadonlySet<string> | undefined {
  const { type } = schema;
  if (typeof type === "string") return new Set([type]);
  if (Array.isArray(type)) return new Set(type.filter((each) => typeof each === "string"));
  return undefined;
}

function overlap(from: ReadonlySet<string>, to: ReadonlySet<string>): boolean {
  for (const type of from) {
    if (to.has(type)) return true;
    if (type === "integer" && to.has("number")) return true;
    if (type === "number" && to.has("integer")) return true;
  }
  return false;
}

/** The scalar values that a schema allows by name. */
function valuesOf(schema: JsonSchema): readonly string[] | undefined {
  const values = hasOwn(schema, "const") ? [schema.const] : schema.enum;
  if (!Array.isArray(values) || values.some((value) => typeof value === "object")) return undefined;
  return values.map((value) => JSON.stringify(value));
}

function isOnly(types: ReadonlySet<string> | undefined, type: string): boolean {
  return types?.size === 1 && types.has(type);
}

function needsItems(schema: JsonSchema): boolean {
  return typeof schema.minItems === "number" && schema.minItems > 0;
}

function asSchema(value: unknown): JsonSchema | undefined {
  return isJsonObject(value) ? value : undefined;
}
