import type { JsonSchema } from "../types/primitives.ts";
import { toJsonSchema } from "./convert.ts";
import { freezeSchema } from "./freeze.ts";
import type { ValidationOutcome } from "./issues.ts";
import { withObjectRoot } from "./object-root.ts";
import { compileRaw } from "./raw.ts";
import { assertLocalRefs } from "./refs.ts";
import { SchemaError } from "./schema-error.ts";
import { isStandardSchema, standardValidator } from "./standard.ts";
import type { StandardSchemaV1 } from "./standard-schema.ts";
import type { SchemaSide } from "./vendors.ts";

export type { ValidationIssue, ValidationOutcome } from "./issues.ts";
export { SchemaError, type SchemaErrorCode } from "./schema-error.ts";
export { isStandardSchema } from "./standard.ts";

/** What a schema may be given as: any Standard Schema that converts, or a raw JSON Schema. */
export type SchemaInput = StandardSchemaV1 | JsonSchema;

/** A schema, ready for every call. */
export interface CompiledSchema {
  /** Deep-frozen, and shown in lists as it is. */
  readonly jsonSchema: JsonSchema;
  /**
   * Validates one value. Answers at once unless the library itself is asynchronous. Of a Standard
   * Schema the value is what the library parsed (defaults and transforms applied); of a raw JSON Schema
   * it is the value given. A Standard Schema reports every fault it finds before this cuts them to 10,
   * so arrays in it deserve a maximum length.
   */
  validate(value: unknown): ValidationOutcome | Promise<ValidationOutcome>;
}

/** How a schema is to be compiled. */
export interface CompileOptions {
  /** Which side of the schema the JSON Schema describes. */
  readonly side: SchemaSide;
  /** Names the schema in errors, such as `tool "get_weather" input`. */
  readonly subject: string;
  /** Tool inputs must be objects (spec: server/tools). */
  readonly requireObjectRoot: boolean;
}

/**
 * Turns a schema into its JSON Schema and a validator, once, at registration. `$ref`s stay inside the
 * document. `format` is an annotation in raw JSON Schema; a Standard Schema checks what its library
 * checks. Raw JSON Schema (2020-12, 2019-09, draft-07) is compiled by ajv, which needs Node and code
 * generation; its `pattern`s run as they are written, so one that backtracks without bound is as
 * dangerous as in any other code.
 * @throws {SchemaError} when the schema is invalid or cannot be shown to a client without loss; the
 * message names the subject, the place and the remedy.
 */
export function compileSchema(schema: SchemaInput, options: CompileOptions): CompiledSchema {
  const { side, subject, requireObjectRoot } = options;
  const standard = isStandardSchema(schema);
  const given = standard ? toJsonSchema(schema, side, subject) : schema;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new SchemaError(
      "schema_invalid",
      subject,
      "#",
      "is neither a Standard Schema nor a JSON Schema object",
    );
  }
  const frozen = freezeSchema(given, subject);
  assertLocalRefs(frozen, subject);
  const jsonSchema = requireObjectRoot ? Object.freeze(withObjectRoot(frozen, subject)) : frozen;
  return {
    jsonSchema,
    validate: standard ? standardValidator(schema) : compileRaw(jsonSchema, subject),
  };
}
