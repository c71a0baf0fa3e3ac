import type { JsonSchema } from "@backplane/protocol";

const REFERENCES: ReadonlySet<string> = new Set(["$ref", "$dynamicRef", "$id", "$anchor"]);

/**
 * A schema that can stand inside of another: what points into a document of its own, as a part of one may do, is left
 * open instead of pointing to nothing.
 */
export function selfContained(schema: JsonSchema | undefined): JsonSchema {
  if (schema === undefined || refers(schema)) return {};
  const { $schema: _dialect, ...rest } = schema;
  return rest;
}

function refers(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(refers);
  return Object.entries(value).some(
    ([key, each]) => (REFERENCES.has(key) && typeof each === "string") || refers(each),
  );
}
