import type { Expression, Operator, Part, Variable } from "./uri-template-syntax.ts";

/** Variables by name: a list where the template explodes one, else a string. */
export type UriTemplateMatch = Record<string, string | string[]>;

/** Longer ones match nothing: a match takes time and memory of (parts × characters). */
const MAX_URI_LENGTH = 8192;

/** The part of an expression that the search needs: which characters it may take. */
interface Shape {
  readonly expressions: readonly Expression[];
  /** What an expression begins with; one of these, or nothing at all. */
  readonly firsts: string;
  /** Characters beyond `pchar` (RFC 3986, section 3.3) that it may take. */
  readonly extra: string;
}

export type MatchPart = string | Shape;

/** A query may be written in several expressions, `{?a}{&b}`; they are read as one. */
export function toMatchParts(parts: readonly Part[]): readonly MatchPart[] {
  const merged: MatchPart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (typeof part === "string") {
      merged.push(part);
    } else if (
      part.operator.first === "&" &&
      typeof last === "object" &&
      /^[?&]/.test(last.firsts)
    ) {
      merged[merged.length - 1] = {
        expressions: [...last.expressions, part],
        firsts: last.firsts.includes("?") ? "?&" : "&",
        extra: last.extra,
      };
    } else {
      merged.push({
        expressions: [part],
        firsts: part.operator.first,
        extra: extraCharacters(part),
      });
    }
  }
  return merged;
}

function extraCharacters({ operator, variables }: Expression): string {
  if (operator.allowReserved) return "/?#[]";
  if (operator.first === "?" || operator.first === "&") return "/?";
  if (operator.first === "/") {
    return variables.length > 1 || variables.some((one) => one.explode) ? "/" : "";
  }
  return "";
}

/**
 * Finds where each part ends, from the last part to the first: for every position it is known whether
 * the rest can match, so nothing is tried twice. Where several divisions are possible, earlier
 * expressions take as much as they can.
 */
export function matchParts(parts: readonly MatchPart[], uri: string): UriTemplateMatch | undefined {
  if (uri.length > MAX_URI_LENGTH) return undefined;
  const [first] = parts;
  if (typeof first === "string" && !uri.startsWith(first)) return undefined;
  const last = parts.at(-1);
  if (typeof last === "string" && !uri.endsWith(last)) return undefined;

  const ends: Int32Array[] = new Array(parts.length);
  let after = new Int32Array(uri.length + 1).fill(-1);
  after[uri.length] = uri.length;
  for (let index = parts.length - 1; index >= 0; index--) {
    const part = parts[index] as MatchPart;
    after = typeof part === "string" ? literalEnds(part, uri, after) : shapeEnds(part, uri, after);
    ends[index] = after;
  }
  if ((after[0] as number) < 0) return undefined;

  const match: UriTemplateMatch = Object.create(null);
  const bindings: Bindings = { match, beginnings: new Set() };
  let position = 0;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as MatchPart;
    const end = (ends[index] as Int32Array)[position] as number;
    if (typeof part === "object" && !readShape(part, uri.slice(position, end), bindings)) {
      return undefined;
    }
    position = end;
  }
  return match;
}

/** For each position where `text` stands and the rest matches: where it ends; else −1. */
function literalEnds(text: string, uri: string, after: Int32Array): Int32Array<ArrayBuffer> {
  const ends = new Int32Array(uri.length + 1).fill(-1);
  for (let at = uri.indexOf(text); at !== -1; at = uri.indexOf(text, at + 1)) {
    const end = at + text.length;
    if ((after[end] as number) >= 0) ends[at] = end;
  }
  return ends;
}

function shapeEnds(shape: Shape, uri: string, after: Int32Array): Int32Array<ArrayBuffer> {
  const { length } = uri;
  // The furthest end of a run of allowed characters from each position, if the rest matches there.
  const runs = new Int32Array(length + 1).fill(-1);
  for (let at = length; at >= 0; at--) {
    const step = stepAt(uri, at, shape.extra);
    const further = step === 0 ? -1 : (runs[at + step] as number);
    runs[at] = further >= 0 ? further : (after[at] as number) >= 0 ? at : -1;
  }
  const ends = new Int32Array(length + 1).fill(-1);
  for (let at = 0; at <= length; at++) {
    if (shape.firsts === "") {
      // An empty value cannot be told from a missing one, and `users/` is not a user.
      if ((runs[at] as number) > at) ends[at] = runs[at] as number;
    } else if (at < length && shape.firsts.includes(uri[at] as string) && runs[at + 1] !== -1) {
      ends[at] = runs[at + 1] as number;
    } else if ((after[at] as number) >= 0) {
      ends[at] = at;
    }
  }
  return ends;
}

const PERCENT = 0x25;
const PCHAR = new Set(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@",
);
const TRIPLET = /%[0-9A-Fa-f]{2}/y;

/** How many characters an expression takes at `at`: a whole triplet, one, or none. */
function stepAt(uri: string, at: number, extra: string): 0 | 1 | 3 {
  if (at >= uri.length) return 0;
  const code = uri.charCodeAt(at);
  if (code === PERCENT) {
    TRIPLET.lastIndex = at;
    return TRIPLET.test(uri) ? 3 : 0;
  }
  // Beyond ASCII a URI should be percent-encoded; one that is not means the same.
  if (code > 0x7f) return 1;
  const character = uri[at] as string;
  return PCHAR.has(character) || extra.includes(character) ? 1 : 0;
}

/** Reads what an expression matched into `match`. @returns false when it is no expansion of it. */
function readShape(shape: Shape, text: string, bindings: Bindings): boolean {
  const body = shape.firsts === "" ? text : text.slice(1);
  // An expression that is not there leaves its variables undefined.
  if (shape.firsts !== "" && text === "") return true;
  const { operator } = shape.expressions[0] as Expression;
  const variables = shape.expressions.flatMap((one) => one.variables);
  return operator.named
    ? readNamed(operator, variables, body, bindings)
    : readOrdered(operator, variables, body, bindings);
}

function readNamed(
  operator: Operator,
  variables: readonly Variable[],
  body: string,
  bindings: Bindings,
): boolean {
  const lists = new Map<string, string[]>();
  for (const pair of body.split(operator.separator)) {
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    const variable = variables.find((one) => one.name === name);
    const value = decode(equals === -1 ? "" : pair.slice(equals + 1));
    if (variable === undefined || value === undefined) return false;
    const list = lists.get(name);
    if (!variable.explode) {
      if (list !== undefined || !bind(bindings, variable, value)) return false;
      lists.set(name, [value]);
    } else if (list !== undefined) {
      list.push(value);
    } else {
      const items = [value];
      lists.set(name, items);
      if (!bind(bindings, variable, items)) return false;
    }
  }
  return true;
}

function readOrdered(
  operator: Operator,
  variables: readonly Variable[],
  body: string,
  bindings: Bindings,
): boolean {
  const single = variables.length === 1 && !(variables[0] as Variable).explode;
  const pieces = single ? [body] : body.split(operator.separator);
  let next = 0;
  for (const [index, variable] of variables.entries()) {
    const left = pieces.length - next;
    if (left <= 0) return true;
    const isLast = index === variables.length - 1;
    const take = variable.explode ? Math.max(1, left - (variables.length - 1 - index)) : 1;
    // Where values may hold the separator, the last variable takes what is left.
    const taken =
      isLast && operator.allowReserved && !variable.explode
        ? [pieces.slice(next).join(operator.separator)]
        : pieces.slice(next, next + take);
    next += isLast && operator.allowReserved ? left : take;
    const values: string[] = [];
    for (const piece of taken) {
      const value = decode(piece);
      if (value === undefined) return false;
      values.push(value);
    }
    if (!bind(bindings, variable, variable.explode ? values : (values[0] as string))) return false;
  }
  return next >= pieces.length;
}

interface Bindings {
  readonly match: UriTemplateMatch;
  /** Names known so far only by their beginning: `{x:1}`. */
  readonly beginnings: Set<string>;
}

/** Gives a variable its value; one that occurs twice must have the same one in both places. */
function bind(bindings: Bindings, variable: Variable, value: string | string[]): boolean {
  const { match, beginnings } = bindings;
  const { name, prefix } = variable;
  const bound = match[name];
  if (prefix !== undefined && [...(value as string)].length > prefix) return false;
  if (bound === undefined) {
    if (prefix !== undefined) beginnings.add(name);
  } else if (typeof bound !== "string" || typeof value !== "string") {
    if (JSON.stringify(bound) !== JSON.stringify(value)) return false;
  } else if (prefix !== undefined && bound.startsWith(value)) {
    return true;
  } else if (value !== bound && !(beginnings.has(name) && value.startsWith(bound))) {
    return false;
  }
  if (prefix === undefined) beginnings.delete(name);
  match[name] = value;
  return true;
}

/** Undefined for what is not percent-encoded UTF-8. */
function decode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
