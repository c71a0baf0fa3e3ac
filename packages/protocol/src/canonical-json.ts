import { Buffer } from "node:buffer";

/**
 * The one JSON text of a value, whatever the order in which its members were written (RFC 8785: members
 * sorted by UTF-16 code units, no white space). Equal values have equal texts, and only they. As with
 * `JSON.stringify`, members that are undefined are left out and `toJSON` is honoured; an infinite
 * number, which `JSON.parse("1e999")` makes, keeps a text of its own.
 *
 * @throws {TypeError} for what no JSON text stands for: undefined, a function, a symbol, a bigint, NaN,
 * or a cycle.
 * @throws {RangeError} for a value nested deeper than the stack; bound the depth of foreign input first.
 */
export function canonicalJson(value: unknown): string {
  return isCanonical(value, 0) ? JSON.stringify(value) : write(value, new Set());
}

/** Deeper values are left to `write`, which finds cycles. */
const MAX_QUICK_DEPTH = 16;

/**
 * Whether `JSON.stringify` writes the one text by itself, several times as fast: plain data whose members are in
 * order, as most arguments are.
 */
function isCanonical(value: unknown, depth: number): boolean {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth === MAX_QUICK_DEPTH) return false;
  if (Array.isArray(value)) {
    // By index: `every` passes over holes.
    for (let index = 0; index < value.length; index++) {
      if (!isCanonical(value[index], depth + 1)) return false;
    }
    return !("toJSON" in value);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null) || "toJSON" in value) return false;
  let previous: string | undefined;
  for (const name of Object.keys(value)) {
    if (previous !== undefined && name <= previous) return false;
    if (!isCanonical((value as Record<string, unknown>)[name], depth + 1)) return false;
    previous = name;
  }
  return true;
}

function write(value: unknown, ancestors: Set<object>): string {
  if (typeof value !== "object" || value === null) return writeScalar(value);
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return write(value.toJSON(), ancestors);
  }
  if (ancestors.has(value)) throw new TypeError("canonicalJson: the value contains itself");
  ancestors.add(value);
  const text = Array.isArray(value)
    ? writeArray(value, ancestors)
    : writeObject(value as Record<string, unknown>, ancestors);
  ancestors.delete(value);
  return text;
}

function writeScalar(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    if (Number.isNaN(value)) throw new TypeError("canonicalJson: NaN has no JSON text");
    return value > 0 ? "1e999" : "-1e999";
  }
  // Lone surrogates come out escaped, so that a digest over UTF-8 keeps them apart.
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`canonicalJson: a ${typeof value} has no JSON text`);
  return text;
}

function writeArray(values: readonly unknown[], ancestors: Set<object>): string {
  let text = "[";
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ",";
    text += values[index] === undefined ? "null" : write(values[index], ancestors);
  }
  return `${text}]`;
}

function writeObject(members: Record<string, unknown>, ancestors: Set<object>): string {
  let text = "{";
  for (const name of Object.keys(members).sort()) {
    const value = members[name];
    if (value === undefined) continue;
    if (text.length > 1) text += ",";
    text += `${JSON.stringify(name)}:${write(value, ancestors)}`;
  }
  return `${text}}`;
}

/** SHA-256 of a text's UTF-8 form, as 43 characters of base64url. */
export async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Buffer.from(hash).toString("base64url");
}
