import type { JsonSchema } from "../types/primitives.ts";
import { SchemaError } from "./schema-error.ts";
import { escapePointer } from "./walk.ts";

/** Deeper than any schema written by hand or by a converter; also what ends a cycle. */
const MAX_SCHEMA_DEPTH = 100;

/**
 * A deep-frozen copy of a JSON Schema: what a list shows must not change after it was compiled.
 * @throws {SchemaError} `schema_invalid` when the schema is no finite JSON.
 */
export function freezeSchema(schema: object, subject: string): JsonSchema {
  return freeze(schema, "#", 0, subject) as JsonSchema;
}

function freeze(value: unknown, pointer: string, depth: number, subject: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "object") throw notJson(subject, pointer, `holds a ${typeof value}`);
  if (depth > MAX_SCHEMA_DEPTH) {
    throw notJson(subject, "#", `is nested deeper than ${MAX_SCHEMA_DEPTH}, or in a cycle`);
  }
  if (Array.isArray(value)) {
    return Object.freeze(
      value.map((item, index) => freeze(item, `${pointer}/${index}`, depth + 1, subject)),
    );
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw notJson(subject, pointer, "holds an object that is not plain");
  }
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    // Not assignment: a property named `__proto__` must stay a property.
    Object.defineProperty(copy, key, {
      value: freeze(item, `${pointer}/${escapePointer(key)}`, depth + 1, subject),
      enumerable: true,
    });
  }
  return Object.freeze(copy);
}

function notJson(subject: string, pointer: string, reason: string): SchemaError {
  return new SchemaError("schema_invalid", subject, pointer, `the schema ${reason}`);
}
