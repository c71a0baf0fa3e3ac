const REDACTED = "[redacted]";

/**
 * A string that does not print: JSON, template literals, string conversion and Node's `inspect` all give
 * `[redacted]`. It guards against accidents, not against code that wants the value.
 */
export class Secret {
  static {
    // Where Node's `inspect` looks for a value's own text (node:util, `inspect.custom`). Not a declared
    // member: isolated declarations cannot name a registered symbol.
    const inspect = Symbol.for("nodejs.util.inspect.custom");
    Object.defineProperty(Secret.prototype, inspect, { value: () => REDACTED });
  }

  // Truly private: neither `inspect` with `showHidden` nor a serialiser that walks properties sees it.
  readonly #value: string;

  /** @throws {TypeError} when `value` is not a string or is empty: an empty credential is a mistake. */
  constructor(value: string) {
    if (typeof value !== "string" || value === "") {
      throw new TypeError("Secret: the value must be a string that is not empty");
    }
    this.#value = value;
  }

  /** The value itself. Call it where the value is used, and keep no copy. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return "Secret";
  }
}
