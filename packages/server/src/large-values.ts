import { isJsonObject } from "@backplane/protocol";
import { randomId } from "./internal/random-id.ts";
import { LargeText, type LargeValue } from "./large-text.ts";
import { bytesOfBlob } from "./lazy-blob.ts";

/** UTF-16 code units of a text, or bytes, from which on a value is encoded while it is sent. */
export const LARGE_VALUE: number = 256 * 1024;

type Item = Readonly<Record<string, unknown>>;

/**
 * Whether a result holds content that is better encoded while it is sent. Every result is asked, so only what is
 * large by its kind is looked at: the text and bytes of content and of resources, not structured output.
 */
export function holdsLargeValue(result: object): boolean {
  const items = (result as Item)[itemsName(result)];
  if (!Array.isArray(items) || !items.some(isLarge)) return false;
  // What decides itself how its JSON looks is left to do so.
  return (result as Item).toJSON === undefined;
}

/** A result without its large values, and the way to put them into the JSON of the rest. */
export class LargeValues {
  /** The result with a word in the place of each large value. */
  readonly rest: object;
  // Nobody can guess it, so nothing that a handler returns is taken for one.
  readonly #mark: string = randomId();
  readonly #values: LargeValue[] = [];

  constructor(result: object) {
    const name = itemsName(result);
    const items = (result as Item)[name] as readonly unknown[];
    this.rest = { ...result, [name]: items.map((item) => this.#without(item)) };
  }

  /** @param json made of `rest`, with whatever around it. */
  putInto(json: string, onFailure: (error: unknown) => void): LargeText {
    // Text and numbers of values, in turn.
    const parts = json.split(new RegExp(`${this.#mark}:(\\d+);`));
    return new LargeText(
      parts.map((part, index) => (index % 2 === 0 ? part : (this.#values[+part] as LargeValue))),
      onFailure,
    );
  }

  #without(item: unknown): unknown {
    if (!isJsonObject(item) || item.toJSON !== undefined) return item;
    const own = this.#withoutOwn(item);
    const { resource } = item;
    return isLargeContents(resource) && Object.hasOwn(item, "resource")
      ? { ...own, resource: this.#withoutOwn(resource) }
      : own;
  }

  #withoutOwn(contents: Item): Item {
    if (!isLargeContents(contents) || contents.toJSON !== undefined) return contents;
    // Member by member: a copy made at once would make the base64 of bytes.
    return Object.fromEntries(
      Object.keys(contents).map((name) => {
        const value = largeMember(contents, name);
        return [name, value === undefined ? contents[name] : this.#word(value)];
      }),
    );
  }

  #word(value: LargeValue): string {
    return `${this.#mark}:${this.#values.push(value) - 1};`;
  }
}

function itemsName(result: object): "content" | "contents" {
  return "content" in result ? "content" : "contents";
}

function isLarge(item: unknown): boolean {
  return isLargeContents(item) || (isJsonObject(item) && isLargeContents(item.resource));
}

function isLargeContents(contents: unknown): contents is Item {
  if (!isJsonObject(contents)) return false;
  const { text, data } = contents;
  return isLong(text) || isLong(data) || ("blob" in contents && isLargeBlob(contents));
}

function isLargeBlob(contents: Item): boolean {
  // First, because asking for the member makes the base64.
  return bytesOfBlob(contents) !== undefined || isLong(contents.blob);
}

function largeMember(contents: Item, name: string): LargeValue | undefined {
  switch (name) {
    case "blob":
      return bytesOfBlob(contents) ?? largeText(contents.blob);
    case "text":
    case "data":
      return largeText(contents[name]);
    default:
      return undefined;
  }
}

function largeText(value: unknown): LargeValue | undefined {
  return isLong(value) ? { unescaped: value } : undefined;
}

function isLong(value: unknown): value is string {
  return typeof value === "string" && value.length >= LARGE_VALUE;
}
