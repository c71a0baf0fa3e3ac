/** A value that `JSON.stringify` carries without loss. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** A JSON object: what `params`, `result` and `_meta` are on the wire. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** Whether `value` is an object in JSON's sense: neither null nor an array. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
