import {
  exceedsJsonDepth,
  type Logger,
  type MessageTransport,
  type RequestId,
  redactText,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import { isResponse, withoutNullId } from "./http/messages.ts";
import type {
  ClientTransport,
  OutgoingRequest,
  ResponseReceiver,
  TransportEvents,
} from "./transport.ts";

/** A message transport that may say why it cannot take a message at the moment, and why it ended. */
export interface MessageConnection extends MessageTransport {
  /** Why nothing can be sent now; undefined when it can. */
  refusal?(): MCPClientError | undefined;
  /** Why it ended by itself; undefined while it has not, or where nothing is known. */
  reason?(): MCPClientError | undefined;
}

/** Settings of {@link MessageClientTransport}. Complete: defaults are the business of the client's options. */
export interface MessageTransportOptions {
  readonly kind: "in-memory" | "stdio";
  /** What it is called in errors and in the log; no credentials. */
  readonly name: string;
  /** Largest message in UTF-16 code units; a byte stream has a limit in bytes of its own. */
  readonly maxMessageChars: number;
  /** Deepest nesting of arrays and objects in a message. */
  readonly maxJsonDepth: number;
  /** Most requests without their response; one more fails with `overloaded`. */
  readonly maxPending: number;
  readonly logger: Logger;
}

interface Pending {
  readonly receiver: ResponseReceiver;
  readonly longLived: boolean;
}

/** How much of a line that is no message the log shows. */
const SAMPLE_LENGTH = 200;

/** The client's side of a connection that carries one message per text: finds the request of each response. */
export class MessageClientTransport implements ClientTransport {
  readonly kind: "in-memory" | "stdio";
  readonly #connection: MessageConnection;
  readonly #options: MessageTransportOptions;
  readonly #pending = new Map<RequestId, Pending>();
  #events: TransportEvents | undefined;
  /** Why nothing more is sent. */
  #over: MCPClientError | undefined;
  #reportedGarbage = false;

  constructor(connection: MessageConnection, options: MessageTransportOptions) {
    this.kind = options.kind;
    this.#connection = connection;
    this.#options = options;
  }

  async open(events: TransportEvents): Promise<void> {
    this.#events = events;
    this.#connection.start({
      onMessage: (text) => this.#receive(text),
      onOversized: () => this.#oversized(),
      onClose: () => this.#ended(),
    });
  }

  request({ id, text, longLived = false }: OutgoingRequest, receiver: ResponseReceiver): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      queueMicrotask(() => receiver.onFailure(refusal));
      return;
    }
    this.#pending.set(id, { receiver, longLived });
    try {
      this.#connection.send(text);
    } catch (cause) {
      queueMicrotask(() => {
        if (this.#pending.delete(id)) receiver.onFailure(this.#unsent(cause));
      });
    }
  }

  abandon(id: RequestId): void {
    this.#pending.delete(id);
  }

  async post(text: string): Promise<void> {
    const refusal = this.#over ?? this.#connection.refusal?.();
    if (refusal !== undefined) throw refusal;
    try {
      this.#connection.send(text);
    } catch (cause) {
      throw this.#unsent(cause);
    }
  }

  async close(): Promise<void> {
    this.#over ??= new MCPClientError("closed", `${this.#options.name}: the connection was closed`);
    this.#failAll(this.#over);
    await this.#connection.close();
  }

  /** A given connection may throw, although `send` is not to. */
  #unsent(cause: unknown): MCPClientError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `${this.#options.name}: the connection took no message: ${why}`;
    return new MCPClientError("connection_failed", text, { cause });
  }

  #refusal(): MCPClientError | undefined {
    if (this.#over !== undefined) return this.#over;
    const { maxPending, name } = this.#options;
    if (this.#pending.size < maxPending) return this.#connection.refusal?.();
    const message = `${name}: ${maxPending} requests wait for their response`;
    return new MCPClientError("overloaded", message, { details: { maxPending } });
  }

  #receive(text: string): void {
    if (this.#over !== undefined) return;
    const { maxMessageChars, maxJsonDepth } = this.#options;
    if (text.length > maxMessageChars) {
      this.#refuse(text, `more than limits.maxResponseBytes (${maxMessageChars})`);
      return;
    }
    if (exceedsJsonDepth(text, maxJsonDepth)) {
      this.#refuse(text, `nested deeper than limits.maxJsonDepth (${maxJsonDepth})`);
      return;
    }
    const value = this.#parse(text);
    if (value === undefined) return;
    // 2025-03-26 allows batches; elsewhere they are no messages, as whoever reads them finds out.
    if (!Array.isArray(value)) this.#deliver(value);
    else for (const member of value) this.#deliver(member);
  }

  /** Undefined for what is not JSON: no JSON text stands for it. */
  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      this.#reportGarbage(text);
      return undefined;
    }
  }

  #deliver(value: unknown): void {
    const message = withoutNullId(value);
    if (!isResponse(message) || isStray(message as object)) {
      this.#events?.onMessage(message);
      return;
    }
    const { id } = message as { id?: RequestId };
    // An error without an id answers a message that the server could not read.
    const found = id === undefined ? this.#onlyOne() : id;
    const pending = found === undefined ? undefined : this.#pending.get(found);
    if (pending === undefined) {
      // Late, or for nobody: to be ignored (spec: patterns/cancellation).
      this.#options.logger.debug({ server: this.#options.name, id }, "ignored a late response");
      return;
    }
    this.#pending.delete(found as RequestId);
    pending.receiver.onMessage(message);
  }

  /** A message over a limit: its request must not wait for its deadline, and its content must not be seen. */
  #refuse(text: string, problem: string): void {
    const value = this.#parse(text);
    if (value === undefined) return;
    this.#failOne(isResponse(value) ? (value as { id?: RequestId }).id : undefined, problem);
  }

  #oversized(): void {
    this.#failOne(this.#onlyOne(), "a line longer than limits.maxResponseBytes");
  }

  #failOne(id: RequestId | undefined, problem: string): void {
    const { name, logger } = this.#options;
    const error = new MCPClientError("response_too_large", `${name}: the server sent ${problem}`);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (pending === undefined) {
      logger.warn({ server: name }, `dropped a message: the server sent ${problem}`);
      return;
    }
    this.#pending.delete(id as RequestId);
    pending.receiver.onFailure(error);
  }

  /** The one request that a message without a readable id can only belong to. */
  #onlyOne(): RequestId | undefined {
    let only: RequestId | undefined;
    for (const [id, { longLived }] of this.#pending) {
      if (longLived) continue;
      if (only !== undefined) return undefined;
      only = id;
    }
    return only;
  }

  /** Once: a server that prints its log to stdout does so with every line. */
  #reportGarbage(text: string): void {
    if (this.#reportedGarbage) return;
    this.#reportedGarbage = true;
    const { name, logger } = this.#options;
    logger.warn(
      { server: name, sample: redactText(text, SAMPLE_LENGTH) },
      "the server sent something that is not JSON; it is skipped, and so is what follows of it",
    );
  }

  #ended(): void {
    if (this.#over !== undefined) return;
    const error =
      this.#connection.reason?.() ??
      new MCPClientError("connection_lost", `${this.#options.name}: the connection ended`);
    // What was never sent can be sent again.
    const { code, message, details, cause } = error;
    this.#over = new MCPClientError(code, message, { retry: "always", details, cause });
    this.#failAll(error);
    this.#events?.onClose(error);
  }

  #failAll(error: MCPClientError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { receiver } of pending) receiver.onFailure(error);
  }
}

/** Nothing in it says that it answers anything: it must not end a request. */
function isStray(message: object): boolean {
  return !("id" in message || "result" in message || "error" in message);
}
