/**
 * Reads a stream to its end into one array.
 * @param tooLarge makes the error for a stream of more than `maxBytes`, which is then closed.
 * @param subject begins the message for a stream that is none.
 * @throws {TypeError} for what cannot be iterated, or yields something else than bytes.
 */
export async function gatherBytes(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLarge: () => Error,
  subject: string,
): Promise<Uint8Array> {
  if (typeof (stream as Partial<typeof stream> | null)?.[Symbol.asyncIterator] !== "function") {
    throw new TypeError(`${subject}: a body must be a string, bytes or an async iterable of bytes`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`${subject}: the stream of a body must yield bytes`);
    }
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const bytes = new Uint8Array(length);
  let offset = 0;
  // From the front, so that each chunk can go while the next is copied.
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks[index] as Uint8Array;
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** Bytes of a text in UTF-8, without encoding it. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x80) continue;
    length += code < 0x800 ? 1 : 2;
    // A surrogate pair is four bytes for two units.
    if (code >= 0xd800 && code <= 0xdbff) index++;
  }
  return length;
}
