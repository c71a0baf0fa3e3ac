const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A held line's buffer that grew past this is not kept for the next one. */
const KEPT_CAPACITY_BYTES = 256 * 1024;

/** Cuts a stream of bytes into lines of UTF-8 text. */
export interface LineSplitter {
  push(chunk: Buffer): void;
  /** No more bytes come: a last line without its end is given out. */
  end(): void;
}

/**
 * Lines end with `\n` or `\r\n`; empty ones are skipped. A line of more than `maxLineBytes` before its
 * `\n` is dropped: `onOversized` is called as soon as that is certain, and reading goes on with the
 * next line.
 */
export function createLineSplitter(
  maxLineBytes: number,
  onLine: (line: string) => void,
  onOversized: () => void,
): LineSplitter {
  // The bytes of a line whose end has not come. Copied into a buffer that doubles: a list of chunks
  // would cost an object per byte when a peer sends single bytes.
  let held = Buffer.alloc(0);
  let heldBytes = 0;
  let skipping = false;

  const hold = (bytes: Buffer): void => {
    if (heldBytes + bytes.length > maxLineBytes) {
      drop();
      skipping = true;
      return;
    }
    if (heldBytes + bytes.length > held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1_024, 2 * (heldBytes + bytes.length)));
      held.copy(grown, 0, 0, heldBytes);
      held = grown;
    }
    bytes.copy(held, heldBytes);
    heldBytes += bytes.length;
  };

  const drop = (): void => {
    release();
    onOversized();
  };

  const release = (): void => {
    heldBytes = 0;
    if (held.length > KEPT_CAPACITY_BYTES) held = Buffer.alloc(0);
  };

  const deliverLine = (text: string, start: number, end: number): void => {
    const stop = text.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 1 : end;
    if (stop > start) onLine(text.slice(start, stop));
  };

  /** Lines with their ends, the first of which begins with what is held. */
  const deliver = (bytes: Buffer): void => {
    // One conversion for all lines. A newline byte is never part of a longer UTF-8 sequence.
    const whole = heldBytes === 0 ? bytes : Buffer.concat([held.subarray(0, heldBytes), bytes]);
    if (heldBytes > 0) release();
    const text = whole.toString("utf8");
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      deliverLine(text, start, end);
      start = end + 1;
    }
  };

  /** A chunk with which a line may pass the limit: measured line by line. */
  const pushMeasured = (chunk: Buffer): void => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (skipping) skipping = false;
      else if (heldBytes + end - start > maxLineBytes) drop();
      else deliver(chunk.subarray(start, end + 1));
      start = end + 1;
    }
    if (!skipping) hold(chunk.subarray(start));
  };

  return {
    push(chunk) {
      if (skipping || heldBytes + chunk.length > maxLineBytes) return pushMeasured(chunk);
      const rest = chunk.lastIndexOf(NEWLINE) + 1;
      if (rest > 0) deliver(rest === chunk.length ? chunk : chunk.subarray(0, rest));
      if (rest < chunk.length) hold(rest === 0 ? chunk : chunk.subarray(rest));
    },
    end() {
      if (skipping || heldBytes === 0) return;
      const text = held.toString("utf8", 0, heldBytes);
      release();
      deliverLine(text, 0, text.length);
    },
  };
}

const LINE_SEPARATOR = "\u2028";
const PARAGRAPH_SEPARATOR = "\u2029";

/**
 * A JSON text as one line with its end. JSON leaves U+2028 and U+2029 as they are, and some readers, Node's
 * `readline` from version 24 among them, end a line there: such a peer would see two halves of a message.
 */
export function toLine(json: string): string {
  // Text without a character above U+00FF, as nearly all is, cannot hold them: the engine sees that at once.
  if (!json.includes(LINE_SEPARATOR) && !json.includes(PARAGRAPH_SEPARATOR)) return `${json}\n`;
  const escaped = json
    .replaceAll(LINE_SEPARATOR, "\\u2028")
    .replaceAll(PARAGRAPH_SEPARATOR, "\\u2029");
  return `${escaped}\n`;
}
