/** A kept value, as it stands in a store. */
export interface Entry {
  /** Milliseconds since the epoch. */
  readonly freshUntilMs: number;
  /** The version that each of its tags had when the value was asked for. */
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** JSON; undefined for a kept "there is none". */
  readonly json: string | undefined;
}

/** Of the format. Whatever begins with anything else was written by another version, or by a stranger. */
const MARK = "bp2\n";

/**
 * The text of an entry. Its key stands in it: a store that gives out what belongs to another key, whether by
 * mistake or because somebody moved it there, is found out. So is one that gives a part of it, by the line break at
 * its end, which JSON has nowhere: the beginning of a number is a number, and that of a value is "there is none".
 */
export function encodeEntry(key: string, { freshUntilMs, tags, json = "" }: Entry): string {
  const tagText = tags === undefined ? "" : JSON.stringify(tags);
  return `${headOf(key)}${freshUntilMs}\n${tagText}\n${json}\n`;
}

/** Undefined for what is no entry of this version and this key: that is a miss, never an error. */
export function decodeEntry(key: string, text: string): Entry | undefined {
  const head = headOf(key);
  if (!text.startsWith(head)) return undefined;
  const timeEnd = text.indexOf("\n", head.length);
  const tagsEnd = text.indexOf("\n", timeEnd + 1);
  const end = text.length - 1;
  if (timeEnd < 0 || tagsEnd < 0 || text.indexOf("\n", tagsEnd + 1) !== end) return undefined;
  const freshUntilMs = Number(text.slice(head.length, timeEnd));
  if (!Number.isSafeInteger(freshUntilMs)) return undefined;
  const json = tagsEnd + 1 === end ? undefined : text.slice(tagsEnd + 1, end);
  if (tagsEnd === timeEnd + 1) return { freshUntilMs, tags: undefined, json };
  const tags = parse(text.slice(timeEnd + 1, tagsEnd));
  return isTags(tags) ? { freshUntilMs, tags, json } : undefined;
}

/** With the length, so that no key can look like the beginning of another with what follows it. */
function headOf(key: string): string {
  return `${MARK}${key.length}\n${key}\n`;
}

/** The value, or `NO_VALUE` for text that is no JSON. */
export function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return NO_VALUE;
  }
}

/** What no JSON text stands for. */
export const NO_VALUE: unique symbol = Symbol("no value");

function isTags(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((version) => typeof version === "string")
  );
}
