/**
 * What acts on a terminal or on whoever reads a log: C1 controls (an 8-bit CSI begins an ANSI sequence), line
 * separators that JSON leaves alone, and what turns the direction of text.
 */
const ACTING = "\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff";

const IN_JSON = new RegExp(`[${ACTING}]`);
const ALL_IN_JSON = new RegExp(IN_JSON.source, "g");
// A line end and a tab are what a stack is made of; JSON escapes them, and a pretty printer shows them.
const IN_TEXT = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${ACTING}]`);
const ALL_IN_TEXT = new RegExp(IN_TEXT.source, "g");

/** JSON text in which nothing acts; the value that it stands for is the same. */
export function printableJson(json: string): string {
  return IN_JSON.test(json) ? json.replace(ALL_IN_JSON, escaped) : json;
}

/** A text in which what acts is spelt out: for who prints values as they are. */
export function printableText(text: string): string {
  return IN_TEXT.test(text) ? text.replace(ALL_IN_TEXT, escaped) : text;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
