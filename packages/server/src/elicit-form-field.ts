import { isFormat, isJsonObject, type JsonSchema } from "@backplane/protocol";

/** One property of a form. */
export interface FormField {
  /** As 2025-11-25 and every later revision know it. */
  readonly schema: JsonSchema;
  /** As 2025-06-18 knows it. @throws {TypeError} for what came later. */
  olderSchema(): JsonSchema;
}

/** Where a property stands. */
export interface FieldOrigin {
  /** Holds what a `$ref` may point to. */
  readonly root: JsonSchema;
  /** Whether a schema library wrote it, whose `pattern` repeats the `format` beside it. */
  readonly standard: boolean;
}

interface Option {
  readonly const: string;
  readonly title: string | undefined;
}

const ANNOTATIONS = ["title", "description", "default"] as const;
/** Says nothing that a client could draw. */
const SILENT: ReadonlySet<string> = new Set([
  ...ANNOTATIONS,
  "$comment",
  "$id",
  "id",
  "$schema",
  "deprecated",
  "examples",
  "readOnly",
  "writeOnly",
  // The choices of a form are distinct anyway.
  "uniqueItems",
]);
const MAX_REFS = 16;

/**
 * The form field of a property.
 * @throws {TypeError} for anything but a string, number, integer, boolean, or enum; names the property.
 */
export function toField(name: string, property: unknown, origin: FieldOrigin): FormField {
  const fail = (reason: string): never => {
    throw new TypeError(`form: property "${name}" ${reason}`);
  };
  const schema = resolve(property, origin.root, fail);
  const field = choiceField(schema, fail) ?? plainField(schema, origin, fail);
  checkDefault(field.schema, fail);
  return field;
}

type Fail = (reason: string) => never;

function resolve(property: unknown, root: JsonSchema, fail: Fail): JsonSchema {
  let schema = property;
  for (let refs = 0; isJsonObject(schema) && typeof schema.$ref === "string"; refs++) {
    const { $ref, ...beside } = schema;
    const target = pointed(root, $ref as string);
    if (refs === MAX_REFS || !isJsonObject(target)) return fail(`refers to ${$ref}: no schema`);
    schema = { ...target, ...beside };
  }
  return isJsonObject(schema) ? schema : fail("is not a schema of its own");
}

function pointed(root: JsonSchema, ref: string): unknown {
  if (!ref.startsWith("#/")) return undefined;
  let node: unknown = root;
  for (const token of ref.slice(2).split("/")) {
    const member = decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
    node = isJsonObject(node) && Object.hasOwn(node, member) ? node[member] : undefined;
  }
  return node;
}

/** A choice among strings: one or several, with titles or without. */
function choiceField(schema: JsonSchema, fail: Fail): FormField | undefined {
  if (schema.type === "array") return multiSelect(schema, fail);
  const options = optionsOf(schema, fail);
  if (options === undefined) return undefined;
  only(schema, ["type", "enum", "enumNames", "const", "oneOf", "anyOf"], fail);
  if (schema.type !== undefined && schema.type !== "string")
    fail("is an enum of other than strings");
  const base = { type: "string", ...annotations(schema) };
  const values = options.map((option) => option.const);
  const names = enumNames(schema, values, fail);
  if (names !== undefined) {
    const titled = { ...base, enum: values, enumNames: names };
    return { schema: titled, olderSchema: () => titled };
  }
  const untitled = { ...base, enum: values };
  if (options.every(({ title }) => title === undefined)) {
    return { schema: untitled, olderSchema: () => untitled };
  }
  return {
    schema: { ...base, oneOf: titledOptions(options) },
    // 2025-06-18 has titles in a list of their own.
    olderSchema: () => ({
      ...untitled,
      enumNames: options.map((option) => option.title ?? option.const),
    }),
  };
}

function multiSelect(schema: JsonSchema, fail: Fail): FormField {
  only(schema, ["type", "items", "minItems", "maxItems"], fail);
  const { items } = schema;
  const options = isJsonObject(items) ? optionsOf(items, fail) : undefined;
  if (options === undefined) return fail("is an array of other than a fixed choice of strings");
  only(items as JsonSchema, ["type", "enum", "const", "oneOf", "anyOf"], fail);
  const titled = options.some(({ title }) => title !== undefined);
  return {
    schema: {
      type: "array",
      ...annotations(schema),
      ...pick(schema, ["minItems", "maxItems"]),
      items: titled
        ? { anyOf: titledOptions(options) }
        : { type: "string", enum: options.map((option) => option.const) },
    },
    olderSchema: () =>
      fail("chooses several, which came with revision 2025-11-25; ask one boolean for each choice"),
  };
}

/** The choices that a schema leaves, when it names them one by one. */
function optionsOf(schema: JsonSchema, fail: Fail): readonly Option[] | undefined {
  const list = schema.oneOf ?? schema.anyOf;
  if (list !== undefined) {
    const options = Array.isArray(list) ? list.map((one) => optionOf(one)) : [];
    if (options.length === 0 || options.includes(undefined)) {
      return fail("is a union of other than titled strings");
    }
    return options as readonly Option[];
  }
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (values === undefined || schema.type === "boolean") return undefined;
  if (!Array.isArray(values) || values.length === 0 || !values.every(isString)) {
    return fail("is an enum of other than strings");
  }
  return values.map((value) => ({ const: value, title: undefined }));
}

function optionOf(one: unknown): Option | undefined {
  if (!isJsonObject(one) || !isString(one.const)) return undefined;
  const { title } = one;
  return { const: one.const, title: isString(title) ? title : undefined };
}

function titledOptions(options: readonly Option[]): readonly object[] {
  return options.map((option) => ({ const: option.const, title: option.title ?? option.const }));
}

function enumNames(
  schema: JsonSchema,
  values: readonly string[],
  fail: Fail,
): readonly string[] | undefined {
  const { enumNames: names } = schema;
  if (names === undefined) return undefined;
  return Array.isArray(names) && names.length === values.length && names.every(isString)
    ? names
    : fail("needs one string in enumNames for each value of its enum");
}

function plainField(schema: JsonSchema, origin: FieldOrigin, fail: Fail): FormField {
  const constraints = constraintsOf(schema, origin, fail);
  const field = { type: schema.type, ...annotations(schema), ...constraints };
  return { schema: field, olderSchema: () => field };
}

function constraintsOf(schema: JsonSchema, origin: FieldOrigin, fail: Fail): object {
  switch (schema.type) {
    case "boolean":
      only(schema, ["type"], fail);
      return {};
    case "string":
      only(schema, ["type", "minLength", "maxLength", "format", "pattern"], fail);
      return stringConstraints(schema, origin, fail);
    case "number":
      only(schema, ["type", "minimum", "maximum"], fail);
      return pick(schema, ["minimum", "maximum"]);
    case "integer":
      only(schema, ["type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], fail);
      return integerBounds(schema);
    default:
      return fail(
        "is no field of a form, which holds strings, numbers, integers, booleans and enums of strings",
      );
  }
}

function stringConstraints(schema: JsonSchema, { standard }: FieldOrigin, fail: Fail): object {
  const { format, pattern } = schema;
  const lengths = pick(schema, ["minLength", "maxLength"]);
  if (isFormat(format)) {
    return { ...lengths, format, ...(!standard && pattern !== undefined && { pattern }) };
  }
  if (format !== undefined && pattern === undefined) {
    return fail(
      `has the format ${JSON.stringify(format)}; a form knows email, uri, date and date-time (or use a pattern)`,
    );
  }
  // A library writes other formats, such as uuid, as a pattern too, which says the same.
  return { ...lengths, ...(pattern !== undefined && { pattern }) };
}

/** Integers have a next one, so an exclusive bound is an inclusive one. Those of the type itself say nothing. */
function integerBounds(schema: JsonSchema): object {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Partial<
    Record<string, number>
  >;
  const least = Math.max(minimum ?? -Infinity, Math.floor((exclusiveMinimum ?? -Infinity) + 1));
  const most = Math.min(maximum ?? Infinity, Math.ceil((exclusiveMaximum ?? Infinity) - 1));
  return {
    ...(least > Number.MIN_SAFE_INTEGER && { minimum: least }),
    ...(most < Number.MAX_SAFE_INTEGER && { maximum: most }),
  };
}

function checkDefault(schema: JsonSchema, fail: Fail): void {
  const { default: value, type } = schema;
  if (value === undefined) return;
  const fits =
    type === "array"
      ? Array.isArray(value) && value.every(isString)
      : type === "integer"
        ? Number.isInteger(value)
        : typeof value === type;
  if (!fits) fail(`has a default that is no ${String(type)}`);
}

function annotations(schema: JsonSchema): object {
  return pick(schema, ANNOTATIONS);
}

function pick(schema: JsonSchema, keywords: readonly string[]): object {
  return Object.fromEntries(
    keywords.filter((one) => schema[one] !== undefined).map((one) => [one, schema[one]]),
  );
}

/** A rule that the client is not shown would be one that its user breaks without knowing. */
function only(schema: JsonSchema, keywords: readonly string[], fail: Fail): void {
  for (const keyword of Object.keys(schema)) {
    if (!keywords.includes(keyword) && !SILENT.has(keyword)) {
      fail(
        `has the keyword "${keyword}", which a form cannot say; say it in the description and check it in the handler`,
      );
    }
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
