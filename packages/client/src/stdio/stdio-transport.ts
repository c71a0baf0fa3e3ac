import type { Logger, RequestId } from "@backplane/protocol";
import { MessageClientTransport } from "../message-transport.ts";
import type {
  ClientTransport,
  OutgoingRequest,
  ResponseReceiver,
  TransportEvents,
} from "../transport.ts";
import { ProcessConnection } from "./process-connection.ts";
import type { ResolvedStdioOptions } from "./stdio-options.ts";

/** Everything that a stdio transport needs to know. Complete: defaults are the business of the client's options. */
export interface StdioTransportOptions {
  readonly stdio: ResolvedStdioOptions;
  /** Longest line from the server in bytes. */
  readonly maxResponseBytes: number;
  /** Deepest nesting of arrays and objects in a message. */
  readonly maxJsonDepth: number;
  /** Most requests without their response; one more fails with `overloaded`. */
  readonly maxPending: number;
  readonly logger: Logger;
}

/**
 * One server process, spoken to over its stdin and stdout (spec: basic/transports/stdio). Node only. While it is
 * open, it keeps this process alive; the server does not outlive this process, however that ends.
 */
export class StdioTransport implements ClientTransport {
  readonly kind = "stdio" as const;
  readonly #connection: ProcessConnection;
  readonly #messages: MessageClientTransport;

  constructor({
    stdio,
    maxResponseBytes,
    maxJsonDepth,
    maxPending,
    logger,
  }: StdioTransportOptions) {
    this.#connection = new ProcessConnection({ stdio, maxLineBytes: maxResponseBytes, logger });
    this.#messages = new MessageClientTransport(this.#connection, {
      kind: "stdio",
      name: stdio.command,
      // The splitter counts bytes before there are characters.
      maxMessageChars: maxResponseBytes,
      maxJsonDepth,
      maxPending,
      logger,
    });
  }

  /** The id of the server process; undefined until it is open. */
  get pid(): number | undefined {
    return this.#connection.pid;
  }

  async open(events: TransportEvents): Promise<void> {
    await this.#connection.launch();
    await this.#messages.open(events);
  }

  request(request: OutgoingRequest, receiver: ResponseReceiver): void {
    this.#messages.request(request, receiver);
  }

  abandon(id: RequestId): void {
    this.#messages.abandon(id);
  }

  post(text: string): Promise<void> {
    return this.#messages.post(text);
  }

  close(): Promise<void> {
    return this.#messages.close();
  }
}
