import { createParser, type EventSourceParser } from "eventsource-parser";

/** One event with data. */
export interface SseEvent {
  /** Undefined for the default, `message`. */
  readonly event: string | undefined;
  /** Empty in an event that only carries an id. */
  readonly data: string;
}

/** What may stand in a `Last-Event-ID` header. */
const USABLE_ID = /^[\x20-\x7e]{1,1024}$/;

/**
 * Reads one event stream (WHATWG HTML, 9.2): UTF-8 split anywhere, LF, CR and CRLF, comments, `id` and
 * `retry`. An `id` counts with the data of its event; servers send empty data where they have none
 * (2025-11-25, basic/transports).
 */
export class SseReader {
  /** The cursor: of the last event that had one. Undefined when a stream cannot be resumed by it. */
  lastEventId: string | undefined;
  /** What the server last asked to wait before the stream is opened again. */
  retryMs: number | undefined;
  /** Events so far. */
  events = 0;
  readonly #decoder = new TextDecoder();
  readonly #parser: EventSourceParser;
  #stopped = false;
  #tooLarge = false;

  /**
   * @param maxEventLength largest event, in UTF-16 code units: never more than its bytes.
   * @param cursor where the stream goes on, when it was broken off before.
   */
  constructor(
    maxEventLength: number,
    onEvent: (event: SseEvent) => void,
    cursor?: Pick<SseReader, "lastEventId" | "retryMs">,
  ) {
    this.lastEventId = cursor?.lastEventId;
    this.retryMs = cursor?.retryMs;
    this.#parser = createParser({
      maxBufferSize: maxEventLength,
      onEvent: ({ id, event, data }) => {
        if (this.#stopped || this.#tooLarge) return;
        if (data.length > maxEventLength) {
          this.#tooLarge = true;
          return;
        }
        this.events++;
        if (id !== undefined) this.lastEventId = USABLE_ID.test(id) ? id : undefined;
        onEvent({ event, data });
      },
      onRetry: (retryMs) => {
        this.retryMs = retryMs;
      },
      // Unknown fields are to be ignored; what remains is the limit.
      onError: ({ type }) => {
        if (type === "max-buffer-size-exceeded") this.#tooLarge = true;
      },
    });
  }

  /** @returns false when an event passes the limit; the stream cannot be read further. */
  feed(chunk: Uint8Array): boolean {
    if (this.#stopped || this.#tooLarge) return !this.#tooLarge;
    this.#parser.feed(this.#decoder.decode(chunk, { stream: true }));
    return !this.#tooLarge;
  }

  /** No event is delivered any more, not even of a chunk that is being read. */
  stop(): void {
    this.#stopped = true;
  }
}

/** Whether an event carries a message: other event types and empty data do not. */
export function isMessageEvent({ event, data }: SseEvent): boolean {
  return data !== "" && (event === undefined || event === "message");
}
