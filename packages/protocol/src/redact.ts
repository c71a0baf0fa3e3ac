import { redactText } from "./redact-text.ts";
import { Secret } from "./secret.ts";

/** Bounds of {@link redact}, so that logging costs no more than it is worth. */
export interface RedactLimits {
  /** Deepest level that is shown. Default 8. */
  readonly maxDepth?: number;
  /** Members and elements shown in all. Default 1,000. */
  readonly maxEntries?: number;
  /** Longest text; the rest is cut. Default 8,192. */
  readonly maxTextLength?: number;
}

const REDACTED = "[redacted]";

// Compared without case, `-`, `_`, `.` and blanks, so that X-Api-Key, apiKey and API_KEY are one.
const SENSITIVE_NAME =
  /authorization|cookie|credential|passphrase|passw|^pwd$|^pass$|secret|apikey|privatekey|accesskey|signingkey|encryptionkey|tokens?$|jwt|codeverifier|assertion$/;

/** MCP's progress tokens are correlation ids; to hide them would make a log useless. */
const HARMLESS_NAMES: ReadonlySet<string> = new Set(["progresstoken"]);

/** Whether what stands under this name is never shown. */
export function isSensitiveName(name: string): boolean {
  const bare = name
    .slice(0, 200)
    .replaceAll(/[-_.\s]/g, "")
    .toLowerCase();
  return SENSITIVE_NAME.test(bare) && !HARMLESS_NAMES.has(bare);
}

/**
 * A copy of `value` that can be logged: what stands under a sensitive name is replaced, and credentials
 * in texts are masked (see {@link redactText}). Numbers and booleans under names of tokens stay, as
 * counts. Whatever the value, the copy is a tree of plain JSON, bounded in depth and size. The value
 * itself is not changed, and a getter that throws does no harm.
 */
export function redact(value: unknown, limits: RedactLimits = {}): unknown {
  return new Redaction(limits).copy(value, 0);
}

class Redaction {
  readonly #maxDepth: number;
  readonly #maxTextLength: number;
  readonly #ancestors = new Set<object>();
  #entriesLeft: number;

  constructor(limits: RedactLimits) {
    this.#maxDepth = limits.maxDepth ?? 8;
    this.#entriesLeft = limits.maxEntries ?? 1_000;
    this.#maxTextLength = limits.maxTextLength ?? 8_192;
  }

  copy(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        return redactText(value, this.#maxTextLength);
      case "object":
        return value === null ? null : this.#copyObject(value, depth);
      case "boolean":
      case "undefined":
        return value;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        return String(value);
      default:
        return `[${typeof value}]`;
    }
  }

  #copyObject(value: object, depth: number): unknown {
    if (value instanceof Secret) return REDACTED;
    if (this.#ancestors.has(value)) return "[circular]";
    if (depth >= this.#maxDepth) return "[too deep]";
    this.#ancestors.add(value);
    try {
      return this.#copyByKind(value, depth + 1);
    } catch {
      return "[unreadable]";
    } finally {
      this.#ancestors.delete(value);
    }
  }

  #copyByKind(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#copyElements(value, value.length, depth);
    if (value instanceof Error) return this.#copyError(value, depth);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return `[${value.byteLength} bytes]`;
    }
    if (value instanceof Set) return this.#copyElements(value, value.size, depth);
    if (value instanceof Map || isHeaders(value)) return this.#copyMembers(value, depth);
    if ("toJSON" in value && typeof value.toJSON === "function") {
      return this.copy(value.toJSON(), depth);
    }
    return this.#copyMembers(readEntries(value, Object.keys(value)), depth);
  }

  #copyElements(elements: Iterable<unknown>, length: number, depth: number): unknown[] {
    const copies: unknown[] = [];
    for (const element of elements) {
      if (this.#entriesLeft-- <= 0) {
        copies.push(`[${length - copies.length} more]`);
        break;
      }
      copies.push(this.copy(element, depth));
    }
    return copies;
  }

  #copyMembers(entries: Iterable<readonly [unknown, unknown]>, depth: number): object {
    // Without a prototype, so that a member named `__proto__` is one.
    const copy: Record<string, unknown> = Object.create(null);
    for (const [key, value] of entries) {
      if (this.#entriesLeft-- <= 0) {
        copy["…"] = "[more]";
        break;
      }
      const name = redactText(String(key), 200);
      copy[name] = hides(String(key), value) ? REDACTED : this.copy(value, depth);
    }
    return copy;
  }

  #copyError(error: Error, depth: number): object {
    const names = new Set(["name", "message", "stack", ...Object.keys(error)]);
    if (error.cause !== undefined) names.add("cause");
    return this.#copyMembers(readEntries(error, names), depth);
  }
}

function hides(name: string, value: unknown): boolean {
  if (value === undefined || value === null || !isSensitiveName(name)) return false;
  // `maxTokens: 200` is a count, `pin: 1234` under a name like password is not.
  return !(/tokens?$/i.test(name) && (typeof value === "number" || typeof value === "boolean"));
}

function* readEntries(value: object, names: Iterable<string>): Generator<[string, unknown]> {
  for (const name of names) {
    let member: unknown;
    try {
      member = Reflect.get(value, name);
    } catch {
      member = "[unreadable]";
    }
    yield [name, member];
  }
}

// `fetch` headers, of whichever implementation.
function isHeaders(value: object): value is Iterable<readonly [string, string]> & object {
  return Object.prototype.toString.call(value) === "[object Headers]" && Symbol.iterator in value;
}
