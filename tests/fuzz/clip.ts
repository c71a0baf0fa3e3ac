/** Enough to recognise a value in a report; the seed that the report names brings it back whole. */
const MAX_CHARS = 200;

/** The beginning of a text, and how long it is. */
export function clip(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  return `${text.slice(0, MAX_CHARS)}… (${text.length} characters)`;
}

/** A value as JSON, each string in it clipped. */
export function clippedJson(value: unknown): string {
  return JSON.stringify(value, (_key, member) =>
    typeof member === "string" ? clip(member) : member,
  );
}
