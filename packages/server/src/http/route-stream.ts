import type { HttpEventStream } from "@backplane/protocol";
import type { SseStream } from "./exchange.ts";

/** An event stream as a route sees it: no field can be smuggled into another, and its end is told. */
export class RouteStream implements HttpEventStream {
  readonly #stream: SseStream;
  readonly #failed: (error: unknown) => void;
  readonly #listeners: (() => void)[] = [];
  #ended = false;

  /** @param failed is told what a listener threw: it is called from a socket's events, where nobody catches. */
  constructor(stream: SseStream, failed: (error: unknown) => void) {
    this.#stream = stream;
    this.#failed = failed;
  }

  send(event: { readonly data: string; readonly event?: string; readonly id?: string }): void {
    for (const member of ["data", "event", "id"] as const) {
      if (/[\r\n]/.test(event[member] ?? "")) {
        throw new TypeError(`an event's ${member} must be one line; send JSON text`);
      }
    }
    this.#stream.send(event);
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  get closed(): boolean {
    return this.#ended || this.#stream.closed;
  }

  close(): void {
    this.#stream.close();
    this.ended();
  }

  onClose(listener: () => void): void {
    if (this.#ended) queueMicrotask(() => this.#call(listener));
    else this.#listeners.push(listener);
  }

  /** The stream has ended, by either side. Idempotent. */
  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const listener of this.#listeners.splice(0)) this.#call(listener);
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#failed(error);
    }
  }
}
