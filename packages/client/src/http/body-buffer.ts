const decoder = new TextDecoder();

/** The body of one answer, up to a number of bytes. */
export class BodyBuffer {
  readonly #maxBytes: number;
  #first: Uint8Array | undefined = undefined;
  #more: Uint8Array[] | undefined = undefined;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false when `chunk` passes the limit; what was read before is kept. */
  add(chunk: Uint8Array): boolean {
    const bytes = this.#bytes + chunk.byteLength;
    if (bytes > this.#maxBytes) return false;
    this.#bytes = bytes;
    // Nearly every answer comes in one piece.
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#more === undefined) this.#more = [chunk];
    else this.#more.push(chunk);
    return true;
  }

  /** As UTF-8, without a byte order mark. */
  text(): string {
    if (this.#first === undefined) return "";
    if (this.#more === undefined) return decoder.decode(this.#first);
    const whole = new Uint8Array(this.#bytes);
    whole.set(this.#first);
    let at = this.#first.byteLength;
    for (const chunk of this.#more) {
      whole.set(chunk, at);
      at += chunk.byteLength;
    }
    return decoder.decode(whole);
  }
}
