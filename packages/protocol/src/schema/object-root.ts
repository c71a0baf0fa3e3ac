import type { JsonSchema } from "../types/primitives.ts";
import { SchemaError } from "./schema-error.ts";
import { unescapePointer } from "./walk.ts";

/**
 * A schema whose root says `type: "object"`, as the protocol asks of tool inputs (spec: server/tools).
 * Where every member of a root union is an object, the root may say so too: that narrows nothing.
 * @throws {SchemaError} `schema_root_not_object` for any other root.
 */
export function withObjectRoot(schema: JsonSchema, subject: string): JsonSchema {
  if (schema.type === "object") return schema;
  if (schema.type === undefined && isObjectSchema(schema, schema, new Set())) {
    return { ...schema, type: "object" };
  }
  throw new SchemaError(
    "schema_root_not_object",
    subject,
    "#",
    `the root must be an object, or a union of objects, and is ${describe(schema)}; ` +
      'wrap the value in an object, or add `"type": "object"` to a raw JSON Schema',
  );
}

/** Whether nothing but objects can satisfy `schema`. */
function isObjectSchema(schema: unknown, root: JsonSchema, seen: Set<unknown>): boolean {
  if (typeof schema !== "object" || schema === null || seen.has(schema)) return false;
  seen.add(schema);
  const { type, anyOf, oneOf, allOf, $ref } = schema as Record<string, unknown>;
  if (type !== undefined) return type === "object";
  const isObject = (member: unknown): boolean => isObjectSchema(member, root, seen);
  for (const union of [anyOf, oneOf]) {
    if (Array.isArray(union) && union.length > 0 && union.every(isObject)) return true;
  }
  // One member of an intersection is enough: all of them apply.
  if (Array.isArray(allOf) && allOf.some(isObject)) return true;
  return typeof $ref === "string" && isObject(lookUp($ref, root));
}

function lookUp(ref: string, root: JsonSchema): unknown {
  if (!ref.startsWith("#/")) return ref === "#" ? root : undefined;
  let target: unknown = root;
  for (const token of ref.slice(2).split("/")) {
    if (typeof target !== "object" || target === null) return undefined;
    target = (target as Record<string, unknown>)[unescapePointer(token)];
  }
  return target;
}

function describe(schema: JsonSchema): string {
  if (schema.type !== undefined) return `of type ${JSON.stringify(schema.type)}`;
  if (Array.isArray(schema.anyOf ?? schema.oneOf)) return "a union with a member that is none";
  return "of no stated type";
}
