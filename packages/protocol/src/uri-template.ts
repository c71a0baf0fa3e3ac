import { expandExpression, type UriTemplateValues } from "./internal/uri-template-expand.ts";
import {
  type MatchPart,
  matchParts,
  toMatchParts,
  type UriTemplateMatch,
} from "./internal/uri-template-match.ts";
import { type Part, parseUriTemplate } from "./internal/uri-template-syntax.ts";

export type { UriTemplateValue, UriTemplateValues } from "./internal/uri-template-expand.ts";
export type { UriTemplateMatch } from "./internal/uri-template-match.ts";

/**
 * A URI template (RFC 6570, all four levels), expanded and matched. A template has at most 2,048
 * characters and 64 variables; a URI that is matched at most 8,192 characters.
 */
export class UriTemplate {
  readonly template: string;
  /** Each name once, in order of appearance. */
  readonly variableNames: readonly string[];
  readonly #parts: readonly Part[];
  readonly #matchParts: readonly MatchPart[];

  /** @throws {TypeError} naming the position of what is malformed, or the bound that is passed. */
  constructor(template: string) {
    this.template = template;
    this.#parts = parseUriTemplate(template);
    this.#matchParts = toMatchParts(this.#parts);
    const names = this.#parts.flatMap((part) =>
      typeof part === "string" ? [] : part.variables.map((variable) => variable.name),
    );
    this.variableNames = Object.freeze([...new Set(names)]);
  }

  /**
   * The URI for some values; what is not given is left out.
   * @throws {TypeError} when a list or a map meets a prefix modifier, or a value is no Unicode text.
   */
  expand(values: UriTemplateValues): string {
    let uri = "";
    for (const part of this.#parts) {
      uri += typeof part === "string" ? part : expandExpression(part, values);
    }
    return uri;
  }

  /**
   * The values that a URI was expanded from, percent-decoded; undefined when it was not. Time and memory
   * grow with the lengths of template and URI multiplied, never faster.
   *
   * A variable is a list where the template explodes it and a string everywhere else; maps cannot be
   * told from lists and are not read back. `{x}` and `{+x}` take at least one character, the
   * operators with a leading character may be absent. Query parameters may come in any order; unknown
   * ones do not match. Where a URI can be divided in several ways, earlier expressions take more.
   *
   * A decoded value is whatever the client sent, `..` and `/` included: check it before using it as a
   * path.
   */
  match(uri: string): UriTemplateMatch | undefined {
    return matchParts(this.#matchParts, uri);
  }
}
