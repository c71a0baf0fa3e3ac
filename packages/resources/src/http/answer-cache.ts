/** An answer that is kept to be revalidated (RFC 9111, 4.3). */
export interface KeptAnswer {
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
}

/** Answers by URL, the least used going first when there are too many bytes. */
export class AnswerCache {
  readonly #maxBytes: number;
  readonly #answers = new Map<string, KeptAnswer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(url: string): KeptAnswer | undefined {
    const answer = this.#answers.get(url);
    if (answer !== undefined) {
      this.#answers.delete(url);
      this.#answers.set(url, answer);
    }
    return answer;
  }

  set(url: string, answer: KeptAnswer): void {
    this.delete(url);
    const size = sizeOf(url, answer);
    if (size > this.#maxBytes) return;
    this.#answers.set(url, answer);
    this.#bytes += size;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(url: string): void {
    const answer = this.#answers.get(url);
    if (answer === undefined) return;
    this.#answers.delete(url);
    this.#bytes -= sizeOf(url, answer);
  }
}

/** What an answer takes beside its texts: an empty one is not for nothing. */
const OVERHEAD_BYTES = 512;

function sizeOf(
  url: string,
  { url: from, bytes, etag = "", lastModified = "", contentType = "" }: KeptAnswer,
): number {
  const texts = [url, from, etag, lastModified, contentType];
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return OVERHEAD_BYTES + bytes.byteLength + 2 * length;
}
