import type { Logger } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";
import type { TransportEvents } from "../transport.ts";

/** As many messages as wait for whoever will use the connection; a server has little to say before it is used. */
const MAX_KEPT = 1_000;

/** Keeps what a transport tells until there is somebody to tell it to. */
export class EventRelay implements TransportEvents {
  readonly #logger: Logger;
  #kept: unknown[] = [];
  #closed: MCPClientError | undefined;
  #target: TransportEvents | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Somebody uses the connection. */
  get attached(): boolean {
    return this.#target !== undefined;
  }

  onMessage(message: unknown): void {
    if (this.#target !== undefined) this.#target.onMessage(message);
    else if (this.#kept.length < MAX_KEPT) this.#kept.push(message);
    else
      this.#logger.warn({}, `dropped a message: ${MAX_KEPT} came before the connection was open`);
  }

  onClose(error: MCPClientError): void {
    if (this.#target !== undefined) this.#target.onClose(error);
    else this.#closed = error;
  }

  onServerStream(state: "open" | "interrupted" | "ended", error: MCPClientError | undefined): void {
    this.#target?.onServerStream?.(state, error);
  }

  /** Tells what has come meanwhile, and everything from now on. */
  attach(events: TransportEvents): void {
    this.#target = events;
    const kept = this.#kept;
    this.#kept = [];
    for (const message of kept) events.onMessage(message);
    if (this.#closed !== undefined) events.onClose(this.#closed);
  }
}
