/** One subschema on a walk. */
export interface SchemaNode {
  readonly schema: Record<string, unknown>;
  /** JSON Pointer fragment from the root. */
  readonly pointer: string;
  /** The property names that lead here through `properties` alone; undefined behind anything else. */
  readonly properties: readonly string[] | undefined;
  readonly parent: SchemaNode | undefined;
}

// Where JSON Schema keeps schemas (2020-12, with what draft-07 and 2019-09 add). Everything else is
// data: a `$ref` inside `const`, `default` or `examples` refers to nothing.
const SINGLE = new Set([
  "additionalItems",
  "additionalProperties",
  "contains",
  "contentSchema",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]);
const LIST = new Set(["allOf", "anyOf", "items", "oneOf", "prefixItems"]);
const MAP = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);

/** Visits every subschema of a document once, parents first. The document must be finite. */
export function walkSchema(root: Record<string, unknown>, visit: (node: SchemaNode) => void): void {
  const pending: SchemaNode[] = [{ schema: root, pointer: "#", properties: [], parent: undefined }];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    visit(node);
    const children: SchemaNode[] = [];
    for (const [keyword, value] of Object.entries(node.schema)) {
      collect(node, keyword, value, children);
    }
    // A stack pops its last: pushing in reverse keeps document order.
    for (let index = children.length - 1; index >= 0; index--) {
      pending.push(children[index] as SchemaNode);
    }
  }
}

function collect(
  parent: SchemaNode,
  keyword: string,
  value: unknown,
  children: SchemaNode[],
): void {
  const pointer = `${parent.pointer}/${escapePointer(keyword)}`;
  const add = (schema: unknown, at: string, properties: readonly string[] | undefined): void => {
    if (isSchemaObject(schema)) children.push({ schema, pointer: at, properties, parent });
  };
  if (LIST.has(keyword) && Array.isArray(value)) {
    value.forEach((schema, index) => {
      add(schema, `${pointer}/${index}`, undefined);
    });
  } else if (SINGLE.has(keyword)) {
    add(value, pointer, undefined);
  } else if (MAP.has(keyword) && isSchemaObject(value)) {
    for (const [name, schema] of Object.entries(value)) {
      const properties =
        keyword === "properties" && parent.properties !== undefined
          ? [...parent.properties, name]
          : undefined;
      add(schema, `${pointer}/${escapePointer(name)}`, properties);
    }
  }
}

function isSchemaObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 6901, section 3. */
export function escapePointer(token: string): string {
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function unescapePointer(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
