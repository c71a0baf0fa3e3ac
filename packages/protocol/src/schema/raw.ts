import type { Ajv, AnySchemaObject, ErrorObject, Options, ValidateFunction } from "ajv";
import { clip } from "../errors.ts";
import type { JsonSchema } from "../types/primitives.ts";
import {
  issue,
  MAX_ISSUES,
  renderPath,
  type ValidationIssue,
  type ValidationOutcome,
} from "./issues.ts";
import { SchemaError } from "./schema-error.ts";
import { unescapePointer, walkSchema } from "./walk.ts";

type AjvClass = new (options: Options) => Ajv;

/** The dialects that ajv brings, by `$schema` without its scheme and empty fragment. */
const DIALECTS: ReadonlyMap<string, string> = new Map([
  ["json-schema.org/draft/2020-12/schema", "ajv/dist/2020.js"],
  ["json-schema.org/draft/2019-09/schema", "ajv/dist/2019.js"],
  ["json-schema.org/draft-07/schema", "ajv"],
]);
const DEFAULT_DIALECT = "json-schema.org/draft/2020-12/schema";

/**
 * A value of at most this many parts is validated a second time for all its faults; a larger one is
 * told its first. Errors cost memory, and a hostile value can hold millions.
 */
const ALL_ERRORS_MAX_PARTS = 500;

const OPTIONS: Options = {
  // Unknown keywords (`x-mcp-header`) and formats are annotations (2020-12 core, 6.5; validation, 7.2.1).
  strict: false,
  validateFormats: false,
  // Checked once, against a shared validator; see `assertValid`.
  validateSchema: false,
  meta: false,
  logger: false,
  // `required: ["constructor"]` must not be satisfied by what every object inherits.
  ownProperties: true,
};

/**
 * Compiles a raw JSON Schema. Values come out as they went in: nothing is coerced, no default filled
 * in. Regular expressions are the schema author's: one that backtracks without bound can be made to
 * by its input, so `pattern` deserves the care of any other code.
 * @throws {SchemaError} when the schema is invalid, its dialect unknown, or no validator can be loaded.
 */
export function compileRaw(
  schema: JsonSchema,
  subject: string,
): (value: unknown) => ValidationOutcome {
  const AjvOfDialect = loadDialect(schema, subject);
  assertValid(AjvOfDialect, schema, subject);
  const options = { ...OPTIONS, unicodeRegExp: patternsAreUnicode(schema, subject) };
  // An instance of its own: `$id`s of different tools must not meet, and a removed tool leaves nothing.
  const check = compile(AjvOfDialect, options, schema, subject);
  let checkAll: ValidateFunction | undefined;
  return (value) => {
    if (check(value)) return { value };
    let errors = check.errors;
    // ajv keeps the errors of the last run on the function; they hold parts of the value.
    check.errors = null;
    if (hasAtMostParts(value, ALL_ERRORS_MAX_PARTS)) {
      checkAll ??= compile(AjvOfDialect, { ...options, allErrors: true }, schema, subject);
      checkAll(value);
      errors = checkAll.errors ?? errors;
      checkAll.errors = null;
    }
    return { issues: toIssues(errors ?? [], value) };
  };
}

function loadDialect(schema: JsonSchema, subject: string): AjvClass {
  const dialect = schema.$schema ?? DEFAULT_DIALECT;
  const specifier =
    typeof dialect === "string"
      ? DIALECTS.get(dialect.replace(/^https?:\/\//, "").replace(/#$/, ""))
      : undefined;
  if (specifier === undefined) {
    throw new SchemaError(
      "schema_dialect_unsupported",
      subject,
      "#/$schema",
      "the dialect is not supported; use JSON Schema 2020-12 (the default), 2019-09 or draft-07",
    );
  }
  return loadAjv(specifier, subject);
}

/**
 * ajv is loaded on first use and synchronously, so that a server without raw schemas never pays for
 * it and registration can still throw. That needs Node's `require` (Node 20.16 or later).
 */
function loadAjv(specifier: string, subject: string): AjvClass {
  const module = globalThis.process?.getBuiltinModule?.("node:module");
  if (module === undefined) throw unavailable(subject, "Node 20.16 or later");
  return (module.createRequire(import.meta.url)(specifier) as { default: AjvClass }).default;
}

function unavailable(subject: string, need: string, cause?: unknown): SchemaError {
  return new SchemaError(
    "schema_validator_unavailable",
    subject,
    "#",
    `raw JSON Schema needs ${need}; pass a Standard Schema (zod 4, arktype, valibot) instead`,
    cause === undefined ? undefined : { cause },
  );
}

function compile(
  AjvOfDialect: AjvClass,
  options: Options,
  schema: JsonSchema,
  subject: string,
): ValidateFunction {
  try {
    return new AjvOfDialect(options).compile(schema);
  } catch (cause) {
    if (cause instanceof EvalError) throw unavailable(subject, "code generation", cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SchemaError("schema_invalid", subject, "#", clip(reason, 300), { cause });
  }
}

const metaValidators = new Map<AjvClass, Ajv>();

function assertValid(AjvOfDialect: AjvClass, schema: JsonSchema, subject: string): void {
  const meta =
    metaValidators.get(AjvOfDialect) ??
    new AjvOfDialect({ strict: false, validateFormats: false, logger: false });
  // Whoever bounds the time of a compilation ends it in the middle (`node:vm`, where no `finally` runs), and
  // an ajv that was ended in compiling its meta-schema fails from then on: only a whole one is kept.
  metaValidators.delete(AjvOfDialect);
  const isValid = matchesMeta(meta, schema, subject);
  metaValidators.set(AjvOfDialect, meta);
  if (isValid) return;
  const error = meta.errors?.[0];
  meta.errors = null;
  throw new SchemaError(
    "schema_invalid",
    subject,
    `#${error?.instancePath ?? ""}`,
    `is no valid JSON Schema: ${error?.message ?? "it does not match its meta-schema"}`,
  );
}

function matchesMeta(meta: Ajv, schema: JsonSchema, subject: string): boolean {
  try {
    return meta.validateSchema(schema as AnySchemaObject) === true;
  } catch (cause) {
    // ajv compiles to code, which `--disallow-code-generation-from-strings` and edge runtimes forbid.
    if (cause instanceof EvalError) throw unavailable(subject, "code generation", cause);
    throw cause;
  }
}

/** Regular expressions are Unicode ones (2020-12 core, 6.4), unless the author wrote for the older kind. */
function patternsAreUnicode(schema: JsonSchema, subject: string): boolean {
  let unicode = true;
  walkSchema(schema, (node) => {
    const { pattern, patternProperties } = node.schema;
    const patterns = Object.keys((patternProperties as object | undefined) ?? {});
    if (typeof pattern === "string") patterns.push(pattern);
    for (const source of patterns) {
      if (isRegExp(source, "u")) continue;
      if (!isRegExp(source, "")) {
        throw new SchemaError(
          "schema_invalid",
          subject,
          node.pointer,
          `${JSON.stringify(clip(source))} is no regular expression`,
        );
      }
      unicode = false;
    }
  });
  return unicode;
}

function isRegExp(source: string, flags: string): boolean {
  try {
    return new RegExp(source, flags) instanceof RegExp;
  } catch {
    return false;
  }
}

function hasAtMostParts(value: unknown, limit: number): boolean {
  let left = limit;
  const count = (part: unknown): boolean => {
    if (--left < 0) return false;
    if (typeof part !== "object" || part === null) return true;
    for (const key in part) if (!count((part as Record<string, unknown>)[key])) return false;
    return true;
  };
  return count(value);
}

function toIssues(errors: readonly ErrorObject[], value: unknown): ValidationIssue[] {
  return errors.slice(0, MAX_ISSUES).map((error) => {
    const keys = pathKeys(error.instancePath, value);
    const params = error.params as Record<string, unknown>;
    switch (error.keyword) {
      case "required":
        return issue(renderPath([...keys, String(params.missingProperty)]), "is required");
      case "additionalProperties":
        return issue(
          renderPath([...keys, String(params.additionalProperty)]),
          "is not a known property",
        );
      case "unevaluatedProperties":
        return issue(
          renderPath([...keys, String(params.unevaluatedProperty)]),
          "is not a known property",
        );
      case "enum":
        return issue(
          renderPath(keys),
          `must be one of ${(params.allowedValues as unknown[]).map((one) => JSON.stringify(one)).join(", ")}`,
        );
      case "const":
        return issue(renderPath(keys), `must be ${JSON.stringify(params.allowedValue)}`);
      default:
        return issue(renderPath(keys), error.message ?? `must satisfy "${error.keyword}"`);
    }
  });
}

/** JSON Pointer does not say whether `0` is an index or a name; the value does. */
function pathKeys(pointer: string, value: unknown): PropertyKey[] {
  const keys: PropertyKey[] = [];
  let part: unknown = value;
  for (const token of pointer.split("/").slice(1)) {
    const name = unescapePointer(token);
    keys.push(Array.isArray(part) ? Number(name) : name);
    part = (part as Record<string, unknown> | undefined)?.[name];
  }
  return keys;
}
