import type { JsonSchema } from "../types/primitives.ts";
import { SchemaError } from "./schema-error.ts";
import { type SchemaNode, walkSchema } from "./walk.ts";

const REF_KEYWORDS = ["$ref", "$dynamicRef", "$recursiveRef"] as const;

/** The base of a document that names none; nothing outside can be resolved against it. */
const NO_BASE = "local:///";

/**
 * Holds a schema to references inside its own document: nobody who reads a list may be made to fetch
 * something (spec: basic/index, JSON Schema; the attack is SSRF).
 * @throws {SchemaError} `schema_network_ref`, or `schema_invalid` when an `$id` or `$ref` is no URI.
 */
export function assertLocalRefs(schema: JsonSchema, subject: string): void {
  const known = new Set<string>([NO_BASE]);
  const bases = new Map<SchemaNode, string>();
  const refs: { readonly ref: string; readonly base: string; readonly at: string }[] = [];
  walkSchema(schema, (node) => {
    const outer = node.parent === undefined ? NO_BASE : (bases.get(node.parent) as string);
    let base = outer;
    const id = node.schema.$id;
    if (typeof id === "string") {
      base = resolve(id, outer, `${node.pointer}/$id`, subject);
      known.add(base);
    }
    bases.set(node, base);
    for (const keyword of REF_KEYWORDS) {
      const ref = node.schema[keyword];
      if (typeof ref === "string" && !ref.startsWith("#")) {
        refs.push({ ref, base, at: `${node.pointer}/${keyword}` });
      }
    }
  });
  for (const { ref, base, at } of refs) {
    if (!known.has(resolve(ref, base, at, subject))) {
      throw new SchemaError(
        "schema_network_ref",
        subject,
        at,
        "refers outside the schema, and references are never fetched; copy the target into $defs",
      );
    }
  }
}

/** Absolute, without its fragment. */
function resolve(reference: string, base: string, at: string, subject: string): string {
  try {
    const url = new URL(reference, base);
    url.hash = "";
    return url.href;
  } catch (cause) {
    throw new SchemaError("schema_invalid", subject, at, "is not a URI reference", { cause });
  }
}
