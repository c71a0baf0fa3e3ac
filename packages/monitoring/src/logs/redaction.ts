import { clip, redact, redactText } from "@backplane/protocol";
import { printableText } from "../internal/printable.ts";

/** What is kept of one line: a log that shows everything shows nothing. */
const LIMITS = { maxDepth: 8, maxEntries: 200, maxTextLength: 4_096 } as const;
const MAX_MESSAGE_LENGTH = 4_096;
/** Longest JSON of a line's fields. */
const MAX_FIELDS_LENGTH = 65_536;
const REDACTED = "[redacted]";

/** What is hidden beside what `redact` of the protocol hides of itself. */
export interface HiddenThings {
  readonly names: readonly string[];
  readonly patterns: readonly RegExp[];
}

/** Makes fields and messages fit to be shown. */
export class Redaction {
  readonly #names: ReadonlySet<string>;
  readonly #patterns: readonly RegExp[];

  constructor({ names, patterns }: HiddenThings) {
    this.#names = new Set(names.map(bare));
    this.#patterns = patterns;
  }

  message(text: string): string {
    return this.#text(redactText(clip(String(text), MAX_MESSAGE_LENGTH), MAX_MESSAGE_LENGTH));
  }

  /** Plain JSON, bounded, in which no credential stands and nothing acts on a terminal. */
  fields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const shown = this.#value(redact(fields, LIMITS)) as Record<string, unknown>;
    const { length } = JSON.stringify(shown);
    return length <= MAX_FIELDS_LENGTH ? shown : { leftOut: `fields of ${length} characters` };
  }

  #value(value: unknown): unknown {
    if (typeof value === "string") return this.#text(value);
    if (Array.isArray(value)) return value.map((each) => this.#value(each));
    if (typeof value !== "object" || value === null) return value;
    const copy: Record<string, unknown> = Object.create(null);
    for (const [name, member] of Object.entries(value)) {
      copy[this.#text(name)] = this.#names.has(bare(name)) ? REDACTED : this.#value(member);
    }
    return copy;
  }

  #text(text: string): string {
    let shown = text;
    for (const pattern of this.#patterns) shown = shown.replace(pattern, REDACTED);
    return printableText(shown);
  }
}

/** `Account-Number`, `accountNumber` and `account_number` are one name. */
function bare(name: string): string {
  return name.replaceAll(/[-_.\s]/g, "").toLowerCase();
}
