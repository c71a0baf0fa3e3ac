/** How an expression of one operator is written (RFC 6570, appendix A). */
export interface Operator {
  /** Written before the first defined value. */
  readonly first: "" | "#" | "." | "/" | ";" | "?" | "&";
  readonly separator: "," | "." | "/" | ";" | "&";
  /** Whether values carry their names. */
  readonly named: boolean;
  /** Follows the name of an empty value. */
  readonly ifEmpty: "" | "=";
  /** Whether reserved characters and percent-encoded triplets stay as they are. */
  readonly allowReserved: boolean;
}

const PLAIN = {
  first: "",
  separator: ",",
  named: false,
  ifEmpty: "",
  allowReserved: false,
} as const;

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["", PLAIN],
  ["+", { ...PLAIN, allowReserved: true }],
  ["#", { ...PLAIN, first: "#", allowReserved: true }],
  [".", { ...PLAIN, first: ".", separator: "." }],
  ["/", { ...PLAIN, first: "/", separator: "/" }],
  [";", { ...PLAIN, first: ";", separator: ";", named: true }],
  ["?", { ...PLAIN, first: "?", separator: "&", named: true, ifEmpty: "=" }],
  ["&", { ...PLAIN, first: "&", separator: "&", named: true, ifEmpty: "=" }],
]);

export interface Variable {
  readonly name: string;
  readonly explode: boolean;
  /** At most so many code points of the value are used (RFC 6570, section 2.4.1). */
  readonly prefix: number | undefined;
}

export interface Expression {
  readonly operator: Operator;
  readonly variables: readonly Variable[];
}

/** A literal, as it stands in an expanded URI, or an expression. */
export type Part = string | Expression;

/** Far beyond any template seen; they bound the work of one match. */
const MAX_TEMPLATE_LENGTH = 2048;
const MAX_VARIABLES = 64;

const VARIABLE =
  /^((?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+(?:\.(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+)*)(\*|:[1-9]\d{0,3})?$/;
// RFC 6570, section 2.1, without the apostrophe that its erratum 6937 gives back.
const BAD_LITERAL = /[\p{Cc} "<>\\^`|}]|%(?![0-9A-Fa-f]{2})/u;
const NON_ASCII = /\P{ASCII}+/gu;

/** @throws {TypeError} with the position of what is malformed. */
export function parseUriTemplate(template: string): readonly Part[] {
  if (template.length > MAX_TEMPLATE_LENGTH) {
    throw new TypeError(`URI template: longer than ${MAX_TEMPLATE_LENGTH} characters`);
  }
  const parts: Part[] = [];
  let variables = 0;
  let position = 0;
  while (position < template.length) {
    const open = template.indexOf("{", position);
    const end = open === -1 ? template.length : open;
    if (end > position) parts.push(literal(template.slice(position, end), position, template));
    if (open === -1) break;
    const close = template.indexOf("}", open);
    if (close === -1) throw malformed(template, open, "an expression that is not closed");
    const expression = parseExpression(template.slice(open + 1, close), open + 1, template);
    variables += expression.variables.length;
    if (variables > MAX_VARIABLES) {
      throw new TypeError(`URI template: more than ${MAX_VARIABLES} variables`);
    }
    parts.push(expression);
    position = close + 1;
  }
  return parts;
}

function literal(text: string, position: number, template: string): string {
  const bad = BAD_LITERAL.exec(text);
  if (bad !== null) throw malformed(template, position + bad.index, "a character that no URI has");
  return text.replace(NON_ASCII, (run) => encode(run, template));
}

function parseExpression(source: string, position: number, template: string): Expression {
  const symbol = /^[A-Za-z0-9_%]/.test(source) ? "" : source.slice(0, 1);
  const operator = OPERATORS.get(symbol);
  if (operator === undefined || source.length === symbol.length) {
    throw malformed(template, position, "no variable, or an operator that RFC 6570 reserves");
  }
  let at = position + symbol.length;
  const variables = source
    .slice(symbol.length)
    .split(",")
    .map((specification): Variable => {
      const found = VARIABLE.exec(specification);
      if (found === null) throw malformed(template, at, "a malformed variable");
      at += specification.length + 1;
      const modifier = found[2];
      return {
        name: found[1] as string,
        explode: modifier === "*",
        prefix: modifier?.startsWith(":") ? Number(modifier.slice(1)) : undefined,
      };
    });
  return { operator, variables };
}

function malformed(template: string, position: number, what: string): TypeError {
  return new TypeError(`URI template: ${what} at position ${position} of "${template}"`);
}

const UNENCODED_BY_JS = /[!'()*]/g;
const RESERVED_OR_TRIPLET = /%[0-9A-Fa-f]{2}|[:/?#[\]@!$&'()*+,;=]/g;

/** Percent-encodes everything but the unreserved characters (RFC 3986, section 2.3). */
export function encode(value: string, name: string): string {
  try {
    return encodeURIComponent(value).replace(
      UNENCODED_BY_JS,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  } catch (cause) {
    throw new TypeError(`URI template: "${name}" holds half a surrogate pair`, { cause });
  }
}

/** Percent-encodes everything but unreserved and reserved characters and triplets. */
export function encodeReserved(value: string, name: string): string {
  let encoded = "";
  let position = 0;
  for (const kept of value.matchAll(RESERVED_OR_TRIPLET)) {
    encoded += encode(value.slice(position, kept.index), name) + kept[0];
    position = kept.index + kept[0].length;
  }
  return encoded + encode(value.slice(position), name);
}
