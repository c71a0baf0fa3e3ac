import { AsyncLocalStorage } from "node:async_hooks";
import {
  checkMembers,
  type Logger,
  META_SUBSCRIPTION_ID,
  type MessageTransport,
  type MessageTransportHandlers,
  type Principal,
  type RequestId,
} from "@backplane/protocol";
import type { MCPServer } from "../mcp-server.ts";
import type { ServerConnection } from "../start-options.ts";
import { createStderrLogger } from "../stderr-logger.ts";
import type { SdkTransport } from "./sdk-shapes.ts";

/** What `serveOverSdkTransport` takes beside server and transport. */
export interface ServeOverSdkTransportOptions {
  /**
   * Who is at the other end. One transport serves one principal: what the transport reports per message
   * (`authInfo`) is not read, so whoever mounts it keeps other callers off its session. Default: nobody
   * known.
   */
  readonly principal?: Principal;
  /** Told of what the transport reports and of answers that it could not send. Default: stderr. */
  readonly logger?: Logger;
}

/** The body of `serveOverSdkTransport`, for either SDK. */
export async function serveOver(
  server: MCPServer,
  transport: SdkTransport,
  options: ServeOverSdkTransportOptions,
): Promise<ServerConnection> {
  for (const member of ["start", "send", "close"] as const) {
    if (typeof transport?.[member] !== "function") {
      throw new TypeError(`serveOverSdkTransport: the transport has no method "${member}"`);
    }
  }
  checkMembers("serveOverSdkTransport", options, ["principal", "logger"]);
  const { principal, logger = createStderrLogger() } = options;
  const connection = server.connect(
    new MessagesOverSdkTransport(transport, logger),
    principal === undefined ? {} : { principal },
  );
  try {
    await transport.start();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

interface Outgoing {
  readonly id?: RequestId;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Notifications that belong to the request in whose handler they are sent; the others have no request. */
const OF_A_REQUEST: ReadonlySet<string> = new Set([
  "notifications/progress",
  "notifications/message",
  "notifications/cancelled",
]);

/** Lets a Backplane connection speak over an SDK transport, which carries parsed messages. */
class MessagesOverSdkTransport implements MessageTransport {
  readonly #transport: SdkTransport;
  readonly #logger: Logger;
  /**
   * The request in whose handler code runs. An SDK transport over HTTP has a stream for each request, and
   * must be told which one a notification or a question belongs to.
   */
  readonly #current = new AsyncLocalStorage<RequestId | undefined>();
  #onClose: (() => void) | undefined;
  #closed = false;

  constructor(transport: SdkTransport, logger: Logger) {
    this.#transport = transport;
    this.#logger = logger;
  }

  start(handlers: MessageTransportHandlers): void {
    this.#onClose = () => handlers.onClose();
    this.#transport.onclose = () => this.#end();
    this.#transport.onerror = (error) => {
      this.#logger.warn({ err: error }, "the SDK transport reported an error");
    };
    this.#transport.onmessage = (message: Outgoing) => {
      const requestId = message.method === undefined ? undefined : message.id;
      this.#current.run(requestId, () => handlers.onMessage(JSON.stringify(message)));
    };
  }

  send(text: string): void {
    if (this.#closed) return;
    const message = JSON.parse(text) as Outgoing;
    const related = this.#relatedRequest(message);
    const sent =
      related === undefined
        ? this.#transport.send(message)
        : this.#transport.send(message, { relatedRequestId: related });
    sent.catch((error: unknown) => {
      if (this.#closed) return;
      this.#logger.warn({ err: error }, "the SDK transport could not send a message");
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#transport.close();
    this.#end();
  }

  /** Undefined for responses, which name their request, and for what belongs to no request. */
  #relatedRequest({ id, method, params }: Outgoing): RequestId | undefined {
    if (method === undefined) return undefined;
    const subscription = (params?._meta as Record<string, unknown> | undefined)?.[
      META_SUBSCRIPTION_ID
    ];
    if (subscription !== undefined) return subscription as RequestId;
    return id !== undefined || OF_A_REQUEST.has(method) ? this.#current.getStore() : undefined;
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose?.();
  }
}
