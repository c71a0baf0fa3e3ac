import { type Expression, encode, encodeReserved, type Variable } from "./uri-template-syntax.ts";

/** A value to expand; null, undefined and empty lists and maps count as not given. */
export type UriTemplateValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly string[]
  | Readonly<Record<string, string>>;

/** The variables of a template, by name. */
export type UriTemplateValues = Readonly<Record<string, UriTemplateValue>>;

/** RFC 6570, section 3.2.1. */
export function expandExpression(expression: Expression, values: UriTemplateValues): string {
  const { operator, variables } = expression;
  const written: string[] = [];
  for (const variable of variables) {
    const value = Object.hasOwn(values, variable.name) ? values[variable.name] : undefined;
    const text = expandVariable(expression, variable, value);
    if (text !== undefined) written.push(text);
  }
  return written.length === 0 ? "" : operator.first + written.join(operator.separator);
}

function expandVariable(
  { operator }: Expression,
  { name, explode, prefix }: Variable,
  value: UriTemplateValue,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  const write = (text: string): string =>
    operator.allowReserved ? encodeReserved(text, name) : encode(text, name);
  const pair = (key: string, text: string): string =>
    text === "" ? key + operator.ifEmpty : `${key}=${text}`;

  if (typeof value !== "object") {
    const whole = String(value);
    const text = write(prefix === undefined ? whole : [...whole].slice(0, prefix).join(""));
    return operator.named ? pair(name, text) : text;
  }
  if (prefix !== undefined) {
    throw new TypeError(`URI template: "${name}" has a prefix and cannot be a list or a map`);
  }
  if (isList(value)) {
    if (value.length === 0) return undefined;
    const items = value.map(write);
    if (!explode) return operator.named ? pair(name, items.join(",")) : items.join(",");
    return items.map((item) => (operator.named ? pair(name, item) : item)).join(operator.separator);
  }
  const entries = Object.entries(value).map(([key, item]) => [write(key), write(item)] as const);
  if (entries.length === 0) return undefined;
  if (explode) {
    return entries
      .map(([key, item]) => (operator.named ? pair(key, item) : `${key}=${item}`))
      .join(operator.separator);
  }
  const flat = entries.flat().join(",");
  return operator.named ? pair(name, flat) : flat;
}

function isList(value: object): value is readonly string[] {
  return Array.isArray(value);
}
