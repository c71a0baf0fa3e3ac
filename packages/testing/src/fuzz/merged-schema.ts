import { isJsonObject } from "@backplane/protocol";

type Schema = Readonly<Record<string, unknown>>;

/** How two values of one keyword become one that says what both say. */
const JOIN: Readonly<Record<string, (one: never, other: never) => unknown>> = {
  properties: (one: Schema, other: Schema) => {
    const both: Record<string, unknown> = { ...one };
    for (const [name, schema] of Object.entries(other)) {
      both[name] = name in both ? merged(both[name], schema) : schema;
    }
    return both;
  },
  required: (one: string[], other: string[]) => [...new Set([...one, ...other])],
  enum: (one: unknown[], other: unknown[]) => one.filter((value) => other.includes(value)),
  type: (one: unknown, other: unknown) => {
    const types = [one].flat().filter((type) => [other].flat().includes(type));
    return types.length === 1 ? types[0] : types;
  },
  allOf: (one: unknown[], other: unknown[]) => [...one, ...other],
  minimum: Math.max,
  exclusiveMinimum: Math.max,
  minLength: Math.max,
  minItems: Math.max,
  minProperties: Math.max,
  maximum: Math.min,
  exclusiveMaximum: Math.min,
  maxLength: Math.min,
  maxItems: Math.min,
};

/**
 * One schema that says what several say, keyword by keyword; where that cannot be said, the last one's word
 * stands, and the validator decides.
 */
export function merged(...schemas: readonly unknown[]): unknown {
  if (schemas.includes(false)) return false;
  const result: Record<string, unknown> = {};
  for (const schema of schemas) {
    if (!isJsonObject(schema)) continue;
    for (const [keyword, value] of Object.entries(schema)) {
      const join = JOIN[keyword];
      result[keyword] =
        keyword in result && join !== undefined
          ? join(result[keyword] as never, value as never)
          : value;
    }
  }
  return result;
}
