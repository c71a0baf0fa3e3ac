import { clip } from "../errors.ts";

/** One reason why a value does not fit its schema. */
export interface ValidationIssue {
  /** Where, as `location` or `items[0].name`; empty for the root. */
  readonly path: string;
  /** What was expected. Never holds the value itself. */
  readonly message: string;
}

/** What validation says of a value: the parsed value, or why not. */
export type ValidationOutcome<T = unknown> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] };

/** More reasons than this help no reader, and a hostile value has as many as it likes. */
export const MAX_ISSUES = 10;
const MAX_PATH_LENGTH = 200;
const MAX_MESSAGE_LENGTH = 200;
const MAX_KEY_LENGTH = 64;

const IDENTIFIER = /^[A-Za-z_$][\w$-]*$/;

export function issue(path: string, message: string): ValidationIssue {
  return { path: clip(path, MAX_PATH_LENGTH), message: clip(message, MAX_MESSAGE_LENGTH) };
}

/** `a`, `b`, `0` as `a.b[0]`; keys that are no plain words are quoted. */
export function renderPath(keys: readonly PropertyKey[]): string {
  let path = "";
  for (const key of keys) {
    if (typeof key === "number") {
      path += `[${key}]`;
    } else {
      const name = clip(String(key), MAX_KEY_LENGTH);
      if (!IDENTIFIER.test(name)) path += `[${JSON.stringify(name)}]`;
      else path += path === "" ? name : `.${name}`;
    }
    if (path.length > MAX_PATH_LENGTH) break;
  }
  return path;
}
