import type { JsonSchema } from "../types/primitives.ts";
import { SchemaError } from "./schema-error.ts";
import type { StandardJsonSchemaV1, StandardSchemaV1 } from "./standard-schema.ts";
import { type SchemaSide, UNREPRESENTABLE, vendorHooks } from "./vendors.ts";
import { walkSchema } from "./walk.ts";

const TARGET = "draft-2020-12";

const REMEDY =
  "use what JSON has (for a date: a string with a date-time format) and convert in the handler";

/**
 * The JSON Schema 2020-12 of a Standard Schema, of its input or its output side.
 * @throws {SchemaError} `schema_not_convertible` when the library, or a part of the schema, has none.
 */
export function toJsonSchema(
  schema: StandardSchemaV1,
  side: SchemaSide,
  subject: string,
): Record<string, unknown> {
  const { vendor } = schema["~standard"];
  const hooks = vendorHooks(vendor);
  const convert = (schema as Partial<StandardJsonSchemaV1>)["~standard"]?.jsonSchema?.[side];
  if (typeof convert !== "function") {
    throw new SchemaError(
      "schema_not_convertible",
      subject,
      "#",
      `the ${vendor} schema cannot say itself in JSON Schema; ${hooks.remedy}`,
    );
  }
  const unseen = hooks.inspect?.(schema, side);
  if (unseen !== undefined) throw notConvertible(subject, unseen.path, unseen.reason);

  const attempt = (libraryOptions: Record<string, unknown> | undefined): JsonSchema =>
    convert(libraryOptions === undefined ? { target: TARGET } : { target: TARGET, libraryOptions });
  let converted: JsonSchema;
  try {
    converted = attempt(hooks.options(side));
  } catch (cause) {
    const place = hooks.locate === undefined ? undefined : locate(attempt, hooks.locate);
    throw notConvertible(subject, place?.path ?? "#", place?.reason ?? firstLine(cause), cause);
  }
  const place = findMark(converted);
  if (place !== undefined) throw notConvertible(subject, place.path, place.reason);
  return converted;
}

interface Place {
  readonly path: string;
  readonly reason: string;
}

function locate(
  attempt: (options: Record<string, unknown>) => JsonSchema,
  options: Record<string, unknown>,
): Place | undefined {
  try {
    return findMark(attempt(options));
  } catch {
    return undefined;
  }
}

function findMark(schema: JsonSchema): Place | undefined {
  let found: Place | undefined;
  walkSchema(schema, (node) => {
    if (found === undefined && UNREPRESENTABLE in node.schema) {
      found = { path: node.pointer, reason: String(node.schema[UNREPRESENTABLE]) };
    }
  });
  return found;
}

function notConvertible(
  subject: string,
  path: string,
  reason: string,
  cause?: unknown,
): SchemaError {
  return new SchemaError(
    "schema_not_convertible",
    subject,
    path,
    `${reason.replace(/\.$/, "")}; ${REMEDY}`,
    cause === undefined ? undefined : { cause },
  );
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n", 1)[0] as string;
}
