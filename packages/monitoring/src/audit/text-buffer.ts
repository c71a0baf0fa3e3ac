const FIRST_SIZE = 32 * 1024;
const ZERO = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * UTF-8 text that grows at its end and is used again when it was taken away. What is written often comes encoded:
 * the lines of an audit are nearly the same, and strings of them would be joined, encoded and collected anew each
 * time.
 */
export class TextBuffer {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_SIZE);
  /** Bytes. A smaller one takes back what was written since. */
  length = 0;

  put(piece: Uint8Array): void {
    this.#reserve(piece.length);
    this.#bytes.set(piece, this.length);
    this.length += piece.length;
  }

  write(text: string): void {
    this.#reserve(3 * text.length);
    this.length += this.#bytes.write(text, this.length);
  }

  /**
   * Writes a text as a JSON string if it needs no more than quotes, as ids are.
   * @returns whether it was written.
   */
  writePlainString(text: string): boolean {
    this.#reserve(3 * text.length + 2);
    const bytes = this.#bytes;
    const start = this.length + 1;
    const end = start + bytes.write(text, start);
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return false;
    }
    bytes[this.length] = QUOTE;
    bytes[end] = QUOTE;
    this.length = end + 1;
    return true;
  }

  /** @param value a whole number, 0 or more. */
  writeNumber(value: number): void {
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    this.#reserve(digits);
    this.#writeDigits(value, digits);
  }

  /**
   * A number of thousandths, as JSON writes it in ones: 1500 is `1.5`.
   * @param thousandths a whole number; what no clock measures, such as less than 0 or `NaN`, is written as 0.
   */
  writeThousandths(thousandths: number): void {
    const value = thousandths >= 0 && thousandths <= Number.MAX_SAFE_INTEGER ? thousandths : 0;
    const ones = Math.floor(value / 1_000);
    this.writeNumber(ones);
    let rest = value - ones * 1_000;
    if (rest === 0) return;
    let digits = 3;
    for (; rest % 10 === 0; rest /= 10) digits--;
    this.#reserve(4);
    this.#bytes[this.length++] = 0x2e;
    this.#writeDigits(rest, digits);
  }

  /** What was written from a place on; valid until something else is written. */
  from(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.length);
  }

  /** @returns a copy of it all, which is taken away here. */
  take(): Buffer {
    const taken = Buffer.from(this.from(0));
    this.length = 0;
    return taken;
  }

  #writeDigits(value: number, digits: number): void {
    const bytes = this.#bytes;
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const next = Math.floor(rest / 10);
      bytes[at] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.length += digits;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    larger.set(this.from(0));
    this.#bytes = larger;
  }
}
