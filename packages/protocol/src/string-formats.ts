import type { ValidationIssue } from "./schema/issues.ts";
import type { JsonSchema } from "./types/primitives.ts";

// Each runs in linear time: the value is the client's.
const EMAIL = /^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** The formats of a form's strings (spec: client/elicitation, requested schema). */
const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["email", (text: string) => EMAIL.test(text)],
  ["uri", (text: string) => SCHEME.test(text) && URL.canParse(text)],
  ["date", isDate],
  [
    "date-time",
    (text: string) => isDate(DATE_TIME.exec(text)?.[1] ?? "") && !Number.isNaN(Date.parse(text)),
  ],
]);

/** Whether a form may declare this format. */
export function isFormat(format: unknown): boolean {
  return FORMATS.has(format as string);
}

/** What of `content` breaks the format that its field declares. */
export function formatIssues(
  content: Record<string, unknown>,
  fields: ReadonlyMap<string, { readonly schema: JsonSchema }>,
): readonly ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  for (const [name, { schema }] of fields) {
    const value = Object.hasOwn(content, name) ? content[name] : undefined;
    const fits = FORMATS.get(schema.format as string);
    if (fits !== undefined && typeof value === "string" && !fits(value)) {
      issues.push({ path: name, message: `must be of the format ${String(schema.format)}` });
    }
  }
  return issues;
}

/** `Date` takes February 30 for March 2; a date that comes back changed is none. */
function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
