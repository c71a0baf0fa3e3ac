import { isJsonObject, type JsonSchema } from "@backplane/protocol";
import { emptyRecord, hasOwn, listNames } from "../internal/records.ts";

/** Where the arguments of a tool come from, beside the inputs of their own name. */
export interface ToolMapping {
  readonly entries: readonly {
    readonly argument: string;
    readonly root: string;
    readonly path: readonly string[];
    readonly text: string;
  }[];
  /** The inputs that a mapping uses, which are no arguments of their own. */
  readonly roots: ReadonlySet<string>;
}

/** @throws {TypeError} for what is no path into an input. */
export function parseMapping(
  subject: string,
  mapping: Readonly<Record<string, unknown>>,
): ToolMapping {
  const entries = Object.entries(mapping).map(([argument, text]) => {
    const [root, ...path] = typeof text === "string" ? text.split(".") : [];
    if (root === undefined || root === "" || path.includes("")) {
      throw new TypeError(
        `${subject}: option "arguments.${argument}" must be an input, or a place in one such as "place.city"`,
      );
    }
    return { argument, root, path, text: text as string };
  });
  return { entries, roots: new Set(entries.map(({ root }) => root)) };
}

/** The schema of a node's inputs, made of the schema of the tool's arguments; and arguments that there are not. */
export function mappedSchema(
  schema: JsonSchema,
  { entries, roots }: ToolMapping,
  tool: string,
): { readonly schema: JsonSchema; readonly problems: readonly string[] } {
  if (entries.length === 0) return { schema, problems: [] };
  const known = isJsonObject(schema.properties) ? schema.properties : {};
  const takesOthers =
    schema.additionalProperties === true || isJsonObject(schema.additionalProperties);
  const problems = entries
    .filter(({ argument }) => !hasOwn(known, argument) && !takesOthers)
    .map(({ argument }) => {
      const has = listNames(Object.keys(known));
      return `"arguments" names "${argument}", which the tool "${tool}" does not take; it takes: ${has}`;
    });
  const required = new Set(Array.isArray(schema.required) ? (schema.required as string[]) : []);
  const properties = emptyRecord<unknown>();
  const needed = new Set<string>();
  const mapped = new Set(entries.map(({ argument }) => argument));
  for (const [name, property] of Object.entries(known)) {
    if (mapped.has(name) || roots.has(name)) continue;
    properties[name] = property;
    if (required.has(name)) needed.add(name);
  }
  for (const { argument, root, path } of entries) {
    const own = path.length === 0 && hasOwn(known, argument) ? known[argument] : {};
    // Of an input that gives several arguments no single schema is true.
    properties[root] = hasOwn(properties, root) ? {} : own;
    if (required.has(argument)) needed.add(root);
  }
  return { schema: { ...schema, properties, required: [...needed] }, problems };
}
