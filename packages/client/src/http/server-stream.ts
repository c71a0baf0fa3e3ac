import type { MCPClientError } from "../errors.ts";
import type { TransportEvents } from "../transport.ts";
import { EventStream, type EventStreamOwner, type EventStreamParts } from "./event-stream.ts";
import { closedError } from "./http-channel.ts";
import { parseMessage } from "./messages.ts";
import { isMessageEvent, type SseEvent } from "./sse-reader.ts";

/** The stream on which a legacy server says what belongs to no request (2025-11-25, basic/transports). */
export class ServerStream implements EventStreamOwner {
  readonly #parts: Omit<EventStreamParts, "owner" | "wait">;
  readonly #events: TransportEvents;
  #stream: EventStream | undefined = undefined;
  /** The answer to the first GET: the same for all that ask. */
  #opened: Promise<boolean> | undefined = undefined;
  #over = false;
  /** Until the server has answered the first GET. */
  #opening: { resolve(open: boolean): void; reject(error: unknown): void } | undefined = undefined;

  constructor(parts: Omit<EventStreamParts, "owner" | "wait">, events: TransportEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  /** It has ended and is not opened again. */
  get over(): boolean {
    return this.#over;
  }

  /** Opens it, once. Resolves with false when the server has no such stream. @throws {MCPClientError} */
  open(): Promise<boolean> {
    this.#opened ??= new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      const { clock } = this.#parts.options;
      this.#stream = new EventStream({
        ...this.#parts,
        owner: this,
        wait: (delayMs, callback) => clock.after(delayMs, callback),
      });
      this.#stream.open();
    });
    return this.#opened;
  }

  /** Closes it without a word. Idempotent. */
  stop(): void {
    this.#over = true;
    this.#stream?.stop();
    this.#opening?.reject(closedError());
    this.#opening = undefined;
  }

  onOpen(): void {
    this.#opening?.resolve(true);
    this.#opening = undefined;
    this.#events.onServerStream?.("open", undefined);
  }

  onEvent(event: SseEvent): void {
    if (!isMessageEvent(event)) return;
    const { limits, logger } = this.#parts.options;
    let message: unknown;
    try {
      message = parseMessage(event.data, limits.maxJsonDepth, "GET");
    } catch (error) {
      logger.warn({ err: error }, "ignored an event that is no message");
      return;
    }
    this.#events.onMessage(message);
  }

  onInterrupted(error: MCPClientError): void {
    this.#events.onServerStream?.("interrupted", error);
  }

  onEnded(error: MCPClientError): void {
    this.#over = true;
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) this.#events.onServerStream?.("ended", error);
    else if (error.status === 405) opening.resolve(false);
    else opening.reject(error);
  }
}
