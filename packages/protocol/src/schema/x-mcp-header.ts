import { PARAM_HEADER_PREFIX } from "../headers.ts";
import type { JsonSchema } from "../types/primitives.ts";
import { SchemaError } from "./schema-error.ts";
import { walkSchema } from "./walk.ts";

/** An argument that HTTP clients repeat in a header, so that a gateway can route by it. */
export interface HeaderParameter {
  /** The whole header name in lower case, such as `mcp-param-region`. */
  readonly header: string;
  /** Where the argument is: property names from the root of the arguments. */
  readonly path: readonly string[];
  readonly type: "string" | "integer" | "boolean";
}

const KEYWORD = "x-mcp-header";

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES: ReadonlySet<unknown> = new Set<HeaderParameter["type"]>([
  "string",
  "integer",
  "boolean",
]);

/**
 * The `x-mcp-header` annotations of a tool's input schema (spec: transports/streamable-http). Clients
 * drop a tool that breaks one of the rules, so a server must not register it.
 * @param subject names the schema in errors.
 * @throws {SchemaError} `schema_header_invalid` when a value is no token or not unique regardless of case,
 * when a property is no string, integer or boolean, or is reached by anything but `properties`.
 */
export function headerParameters(
  inputSchema: JsonSchema,
  subject = "input schema",
): readonly HeaderParameter[] {
  const parameters: HeaderParameter[] = [];
  const seen = new Set<string>();
  walkSchema(inputSchema, ({ schema, pointer, properties }) => {
    if (!Object.hasOwn(schema, KEYWORD)) return;
    const refuse = (reason: string): SchemaError =>
      new SchemaError("schema_header_invalid", subject, pointer, `${KEYWORD} ${reason}`);
    const name = schema[KEYWORD];
    if (typeof name !== "string" || !TOKEN.test(name)) {
      throw refuse("must be a header token: letters, digits and !#$%&'*+-.^_`|~, at least one");
    }
    if (properties === undefined || properties.length === 0) {
      throw refuse('may stand only on a property reached through "properties" alone');
    }
    if (!TYPES.has(schema.type)) {
      throw refuse('needs a property whose "type" is "string", "integer" or "boolean"');
    }
    const header = PARAM_HEADER_PREFIX + name.toLowerCase();
    if (seen.has(header)) throw refuse(`"${name}" is used twice (case does not matter)`);
    seen.add(header);
    parameters.push({ header, path: properties, type: schema.type as HeaderParameter["type"] });
  });
  return parameters;
}

/** The argument at a parameter's path, by own properties only; undefined when it is absent. */
export function argumentAt(callArguments: unknown, path: readonly string[]): unknown {
  let value = callArguments;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
