import { Buffer } from "node:buffer";
import { toBase64 } from "./internal/to-base64.ts";

/** What goes between the quotes of a JSON string: text that is still to be escaped, or bytes as base64. */
export type LargeValue = { readonly unescaped: string } | Uint8Array;

/** What an outlet is given to send. */
export type AnswerText = string | LargeText;

/** UTF-16 code units that are encoded at a time, a surrogate pair never being cut. */
const UNITS_A_PIECE = 64 * 1024;
/** Bytes that become base64 at a time: a multiple of 3, so that only the last piece is padded. */
const BYTES_A_PIECE = 48 * 1024;

/**
 * JSON text of an answer that is too large to be made at once: it is encoded piece by piece while the reader takes
 * it, so that beside what was read there is never more than a few pieces of it. `String()` makes it as a whole, for
 * where that is needed.
 */
export class LargeText {
  readonly #parts: readonly (string | LargeValue)[];
  /** Bytes of each part of bytes, 0 for the others: what the client is told of the length must hold to the end. */
  readonly #sizes: readonly number[];
  readonly #onFailure: (error: unknown) => void;

  /**
   * @param parts JSON text that is ready, and what is to be encoded, in their order.
   * @param onFailure is told when a piece cannot be made: too late for an error that the client could read.
   */
  constructor(parts: readonly (string | LargeValue)[], onFailure: (error: unknown) => void) {
    this.#parts = parts;
    this.#sizes = parts.map((part) => (part instanceof Uint8Array ? part.byteLength : 0));
    this.#onFailure = onFailure;
  }

  /** Bytes of it in UTF-8; undefined where only the encoding tells how many. */
  get byteLength(): number | undefined {
    let length = 0;
    for (const [index, part] of this.#parts.entries()) {
      if (typeof part === "string") length += Buffer.byteLength(part);
      else if (part instanceof Uint8Array) length += base64Length(this.#sizes[index] as number);
      else return undefined;
    }
    return length;
  }

  /** The same between two pieces of text. */
  within(before: string, after: string): LargeText {
    return new LargeText([before, ...this.#parts, after], this.#onFailure);
  }

  /**
   * Its UTF-8, made as it is asked for.
   * @throws {TypeError} when bytes were taken away meanwhile: they were transferred, or their buffer was resized.
   */
  *pieces(): Generator<Uint8Array, void> {
    try {
      for (const [index, part] of this.#parts.entries()) {
        if (typeof part === "string") yield* encoded(part);
        else if (part instanceof Uint8Array) yield* base64(part, this.#sizes[index] as number);
        else yield* escaped(part.unescaped);
      }
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  toString(): string {
    return this.#parts.map(wholeText).join("");
  }
}

function wholeText(part: string | LargeValue): string {
  if (typeof part === "string") return part;
  return part instanceof Uint8Array ? toBase64(part) : JSON.stringify(part.unescaped).slice(1, -1);
}

function* encoded(text: string): Generator<Uint8Array, void> {
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    yield Buffer.from(text.slice(start, end));
    start = end;
  }
}

/** What `JSON.stringify` puts between the quotes; it escapes each unit for itself, but for the pairs. */
function* escaped(text: string): Generator<Uint8Array, void> {
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    yield Buffer.from(JSON.stringify(text.slice(start, end))).subarray(1, -1);
    start = end;
  }
}

/** @param byteLength of the bytes, when the answer began. */
function* base64(bytes: Uint8Array, byteLength: number): Generator<Uint8Array, void> {
  for (let start = 0; start < byteLength; start += BYTES_A_PIECE) {
    // What was said of the length holds, or the client would wait for the rest.
    if (bytes.byteLength !== byteLength) {
      throw new TypeError("the bytes of an answer were taken away while they were sent");
    }
    yield Buffer.from(toBase64(bytes.subarray(start, start + BYTES_A_PIECE)), "latin1");
  }
}

function pieceEnd(text: string, start: number): number {
  const end = start + UNITS_A_PIECE;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function base64Length(byteLength: number): number {
  return 4 * Math.ceil(byteLength / 3);
}
