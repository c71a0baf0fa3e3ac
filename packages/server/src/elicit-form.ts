import {
  type CompiledSchema,
  compileSchema,
  formatIssues,
  isAtLeast,
  isJsonObject,
  isStandardSchema,
  type JsonSchema,
  type Revision,
  type SchemaInput,
  type ValidationOutcome,
} from "@backplane/protocol";
import { type FormField, toField } from "./elicit-form-field.ts";

/** A form, ready to be asked and to judge what comes back. */
export interface ElicitForm {
  /**
   * The form as a revision knows it.
   * @throws {TypeError} when the revision lacks one of its fields; names the property.
   */
  schemaFor(revision: Revision): JsonSchema;
  /** Gives the parsed content: defaults and transforms of a Standard Schema applied. */
  validate(content: Record<string, unknown>): ValidationOutcome | Promise<ValidationOutcome>;
}

const forms = new WeakMap<object, ElicitForm>();

/** What says nothing about a form, or nothing that a form can say: left out, but kept for validation. */
const SILENT_KEYWORDS: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "id",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "examples",
  "default",
  "additionalProperties",
]);
const FORM_KEYWORDS: ReadonlySet<string> = new Set(["type", "properties", "required"]);

/**
 * Turns a schema into a form: a flat object of strings, numbers, booleans and enums, which is all that
 * clients draw (spec: client/elicitation). Made once for each schema object, so a schema belongs outside of
 * the handler that asks with it.
 * @throws {TypeError} for any other schema; names the property and what a form holds.
 */
export function compileForm(schema: SchemaInput): ElicitForm {
  const key = schema as object;
  const known = forms.get(key);
  if (known !== undefined) return known;
  const form = createForm(schema);
  forms.set(key, form);
  return form;
}

function createForm(schema: SchemaInput): ElicitForm {
  const standard = isStandardSchema(schema);
  // Before the compiler, which knows places in a schema but not the properties of a form.
  if (!standard && isJsonObject(schema)) fieldsOf(schema, false);
  const compiled = compileSchema(schema, {
    side: "input",
    subject: "form",
    requireObjectRoot: true,
  });
  const fields = fieldsOf(compiled.jsonSchema, standard);
  const required = requiredOf(compiled.jsonSchema, fields);
  const render = (field: (field: FormField) => JsonSchema): JsonSchema => ({
    type: "object",
    properties: Object.fromEntries([...fields].map(([name, one]) => [name, field(one)])),
    ...(required.length > 0 && { required }),
  });
  const current = render((field) => field.schema);
  let older: JsonSchema | undefined;
  return {
    schemaFor: (revision) => {
      if (isAtLeast(revision, "2025-11-25")) return current;
      older ??= render((field) => field.olderSchema());
      return older;
    },
    validate: standard ? compiled.validate : withFormats(compiled, fields),
  };
}

function fieldsOf(root: JsonSchema, standard: boolean): ReadonlyMap<string, FormField> {
  for (const keyword of Object.keys(root)) {
    if (!FORM_KEYWORDS.has(keyword) && !SILENT_KEYWORDS.has(keyword)) {
      throw new TypeError(`form: "${keyword}" is more than a form can say; use flat properties`);
    }
  }
  const { properties = {} } = root;
  if (!isJsonObject(properties)) throw new TypeError('form: "properties" must be an object');
  return new Map(
    Object.entries(properties).map(([name, property]) => [
      name,
      toField(name, property, { root, standard }),
    ]),
  );
}

function requiredOf(root: JsonSchema, fields: ReadonlyMap<string, FormField>): readonly string[] {
  const required = (root.required ?? []) as readonly string[];
  const unknown = required.find((name) => !fields.has(name));
  if (unknown === undefined) return required;
  throw new TypeError(`form: property "${unknown}" is required but not among the properties`);
}

/** A raw JSON Schema takes `format` as an annotation; in a form it is a promise to the handler. */
function withFormats(
  compiled: CompiledSchema,
  fields: ReadonlyMap<string, FormField>,
): ElicitForm["validate"] {
  return async (content) => {
    const outcome = await compiled.validate(content);
    if (outcome.issues !== undefined) return outcome;
    const issues = formatIssues(content, fields);
    return issues.length === 0 ? outcome : { issues };
  };
}
