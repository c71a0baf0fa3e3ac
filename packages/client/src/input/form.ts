import { clip, formatIssues, isJsonObject, type JsonSchema } from "@backplane/protocol";
import { RefusedQuestion } from "./question.ts";

/** A form as a server asked it, ready to complete and judge what was filled in. */
export interface Form {
  /** The content with the defaults of what it leaves out. */
  complete(content: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** What is wrong with completed content; empty for nothing. Names properties, never their values. */
  faults(content: Readonly<Record<string, unknown>>): readonly string[];
}

interface FormField {
  readonly schema: JsonSchema;
  /** Undefined for what fits. */
  fault(value: unknown): string | undefined;
}

type Check = (value: unknown) => string | undefined;

const MAX_FAULTS = 10;
const MAX_NAME_LENGTH = 100;

/**
 * Reads a form: a flat object of strings, numbers, integers, booleans and enums (spec: client/elicitation).
 * Read by hand rather than compiled, because the schema is the server's: nothing of it becomes code, and its
 * `pattern`, of which the specification knows nothing and which may run without end, is left to the server.
 * Keywords that the specification does not know are passed over likewise.
 * @throws {RefusedQuestion} for anything else; names the property.
 */
export function readForm(schema: unknown): Form {
  if (!isJsonObject(schema) || schema.type !== "object" || !isJsonObject(schema.properties)) {
    throw malformed('"requestedSchema" must be an object schema with "properties"');
  }
  const fields = new Map(
    Object.entries(schema.properties).map(([name, field]) => [name, readField(name, field)]),
  );
  const required = readRequired(schema.required ?? [], fields);
  const closed = schema.additionalProperties === false;
  return {
    complete: (content) => complete(content, fields),
    faults: (content) => {
      const faults: string[] = [];
      const add = (name: string, fault: string | undefined): void => {
        if (fault !== undefined) faults.push(`${clip(name, MAX_NAME_LENGTH)}: ${fault}`);
      };
      for (const name of required) {
        if (!Object.hasOwn(content, name)) add(name, "is required");
      }
      for (const [name, value] of Object.entries(content)) {
        const field = fields.get(name);
        if (field !== undefined) add(name, field.fault(value));
        else add(name, closed ? "is not a property of the form" : plainFault(value));
      }
      for (const { path, message } of formatIssues(content, fields)) add(path, message);
      return faults.slice(0, MAX_FAULTS);
    },
  };
}

/**
 * Fills in the defaults (2025-11-25, client/elicitation). One that breaks its own property's rules would turn a
 * good answer into a bad one, so it is none.
 */
function complete(
  content: Readonly<Record<string, unknown>>,
  fields: ReadonlyMap<string, FormField>,
): Record<string, unknown> {
  const entries = Object.entries(content).filter(([, value]) => value !== undefined);
  const given = new Set(entries.map(([name]) => name));
  for (const [name, { schema, fault }] of fields) {
    if (given.has(name) || !Object.hasOwn(schema, "default")) continue;
    if (fault(schema.default) === undefined) entries.push([name, schema.default]);
  }
  // Not assignment: a property named `__proto__` must stay a property.
  return Object.fromEntries(entries);
}

function readRequired(
  required: unknown,
  fields: ReadonlyMap<string, FormField>,
): readonly string[] {
  if (!isStringArray(required)) throw malformed('"required" must be a list of names');
  const unknown = required.find((name) => !fields.has(name));
  if (unknown === undefined) return required;
  throw malformed(`"${clip(unknown)}" is required but not among the properties`);
}

function readField(name: string, schema: unknown): FormField {
  const fail = (reason: string): never => {
    throw malformed(`property "${clip(name)}" ${reason}`);
  };
  if (!isJsonObject(schema)) return fail("is not a schema of its own");
  return { schema, fault: readCheck(schema, fail) };
}

function readCheck(schema: JsonSchema, fail: (reason: string) => never): Check {
  if (schema.type === "array") {
    const choices = isJsonObject(schema.items) ? choicesOf(schema.items, fail) : undefined;
    if (choices === undefined) return fail("is an array of other than a fixed choice of strings");
    return arrayCheck(choices, bounds(schema, "minItems", "maxItems", fail));
  }
  const choices = choicesOf(schema, fail);
  if (choices !== undefined) {
    if (schema.type !== undefined && schema.type !== "string")
      fail("is a choice of other than strings");
    return (value) =>
      typeof value === "string" && choices.has(value) ? undefined : "must be one of the choices";
  }
  switch (schema.type) {
    case "string":
      return stringCheck(bounds(schema, "minLength", "maxLength", fail));
    case "number":
      return numberCheck("a number", Number.isFinite, bounds(schema, "minimum", "maximum", fail));
    case "integer":
      return numberCheck(
        "a whole number",
        Number.isInteger,
        bounds(schema, "minimum", "maximum", fail),
      );
    case "boolean":
      return (value) => (typeof value === "boolean" ? undefined : "must be true or false");
    default:
      return fail("is no string, number, integer, boolean or choice of strings");
  }
}

/** The strings to choose from, with titles or without; undefined where the schema names none. */
function choicesOf(
  schema: JsonSchema,
  fail: (reason: string) => never,
): ReadonlySet<string> | undefined {
  const titled = schema.oneOf ?? schema.anyOf;
  const values = Array.isArray(titled)
    ? titled.map((one) => (isJsonObject(one) ? one.const : undefined))
    : (titled ?? schema.enum);
  if (values === undefined) return undefined;
  if (!isStringArray(values) || values.length === 0)
    return fail("is a choice of other than strings");
  return new Set(values);
}

interface Bounds {
  readonly least: number;
  readonly most: number;
}

function bounds(
  schema: JsonSchema,
  least: string,
  most: string,
  fail: (reason: string) => never,
): Bounds {
  const read = (keyword: string, otherwise: number): number => {
    const value = schema[keyword];
    if (value === undefined) return otherwise;
    return typeof value === "number" ? value : fail(`has a ${keyword} that is no number`);
  };
  return {
    least: read(least, Number.NEGATIVE_INFINITY),
    most: read(most, Number.POSITIVE_INFINITY),
  };
}

function stringCheck({ least, most }: Bounds): Check {
  return (value) => {
    if (typeof value !== "string") return "must be a string";
    // JSON Schema counts characters, not UTF-16 units.
    const length = [...value].length;
    if (length < least) return `must have at least ${least} characters`;
    return length > most ? `must have at most ${most} characters` : undefined;
  };
}

function numberCheck(
  kind: string,
  is: (value: unknown) => boolean,
  { least, most }: Bounds,
): Check {
  return (value) => {
    if (!is(value)) return `must be ${kind}`;
    if ((value as number) < least) return `must be at least ${least}`;
    return (value as number) > most ? `must be at most ${most}` : undefined;
  };
}

function arrayCheck(choices: ReadonlySet<string>, { least, most }: Bounds): Check {
  return (value) => {
    if (!isStringArray(value) || !value.every((one) => choices.has(one))) {
      return "must be a list of the choices";
    }
    if (value.length < least) return `must have at least ${least} items`;
    return value.length > most ? `must have at most ${most} items` : undefined;
  };
}

/** What no property describes must still be what an answer can carry (schema: ElicitResult). */
function plainFault(value: unknown): string | undefined {
  const plain =
    typeof value === "string" ||
    typeof value === "boolean" ||
    Number.isFinite(value) ||
    isStringArray(value);
  return plain ? undefined : "must be a string, number, boolean or list of strings";
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function malformed(reason: string): RefusedQuestion {
  return new RefusedQuestion("malformed", `elicitation/create: ${reason}`);
}
