import type { MessageTransport, MessageTransportHandlers } from "./transport.ts";

class InMemoryEnd implements MessageTransport {
  peer: InMemoryEnd | undefined;
  #handlers: MessageTransportHandlers | undefined;
  #inbox: string[] = [];
  #scheduled = false;
  #closed = false;

  start(handlers: MessageTransportHandlers): void {
    this.#handlers = handlers;
    this.#schedule();
  }

  send(text: string): void {
    if (!this.#closed) this.peer?.receive(text);
  }

  receive(text: string): void {
    if (this.#closed) return;
    this.#inbox.push(text);
    this.#schedule();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers?.onClose();
    await this.peer?.close();
  }

  // Delivery is never synchronous, so that code which works in memory works over a pipe.
  #schedule(): void {
    if (this.#scheduled || this.#handlers === undefined || this.#inbox.length === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const inbox = this.#inbox;
      this.#inbox = [];
      for (const text of inbox) if (!this.#closed) this.#handlers?.onMessage(text);
    });
  }
}

/** Two connected ends. Messages cross as text, asynchronously and in order. */
export function createInMemoryTransportPair(): [MessageTransport, MessageTransport] {
  const left = new InMemoryEnd();
  const right = new InMemoryEnd();
  left.peer = right;
  right.peer = left;
  return [left, right];
}
