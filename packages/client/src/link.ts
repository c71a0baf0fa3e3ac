import {
  codecFor,
  type DeadlineWheel,
  type Era,
  HEADER_METHOD,
  IntrusiveList,
  isJsonObject,
  type JsonObject,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type Logger,
  type LogLevel,
  MCPError,
  META_SUBSCRIPTION_ID,
  type MethodTable,
  messageKind,
  passesLogLevel,
  type RequestId,
  type Revision,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import type { Agreement, ServerDescription } from "./server-description.ts";
import { ServerRequests } from "./server-requests.ts";
import type { ClientTransport, TransportEvents } from "./transport.ts";
import { encodeNotification, encodeRequest, type MetaEncoder, mirrorHeaders } from "./wire.ts";

const NO_HEADERS: readonly string[] = [];

/** Targets whose headers are kept. */
const MAX_KEPT_HEADERS = 500;

/** How long a server may take to set its log level. */
const SET_LEVEL_MS = 10_000;
const SET_LEVEL = {
  method: "logging/setLevel",
  meta: undefined,
  wantsProgress: false,
  logLevel: undefined,
  headers: NO_HEADERS,
  idleMs: SET_LEVEL_MS,
  totalMs: SET_LEVEL_MS,
};

/** What one wire request consists of beside its method. */
export interface LinkRequest {
  readonly method: string;
  /** Without `_meta`. */
  readonly params: JsonObject;
  /** Further members of `_meta`; undefined for none. */
  readonly meta: JsonObject | undefined;
  /** The server may report progress and be heard: the request's id becomes its token. */
  readonly wantsProgress: boolean;
  /** The least severe log messages that the request wants; undefined for none. */
  readonly logLevel: LogLevel | undefined;
  /** Further HTTP headers, names in lower case and values by turns: `Mcp-Param-*` and the caller's. */
  readonly headers: readonly string[];
  readonly idleMs: number;
  readonly totalMs: number;
  /** Stays open until somebody ends it, as a subscription does. */
  readonly longLived?: boolean;
}

/** What a link tells the one who holds it. The methods must not throw. */
export interface LinkEvents {
  /** A notification that belongs to no request: list changes, resource updates, logs of a legacy session. */
  onNotification(method: string, params: JsonObject, link: Link): void;
  /**
   * A legacy server asks for something. Resolves with the result, or rejects with the `MCPError` to answer.
   * @param exchange the request on whose stream it came, where that is known.
   */
  onServerRequest(
    request: JsonRpcRequest,
    exchange: Exchange | undefined,
    signal: AbortSignal,
  ): Promise<object>;
  /** HTTP, legacy: what became of the GET stream; as `TransportEvents.onServerStream`. */
  onServerStream?(
    state: "open" | "interrupted" | "ended",
    error: MCPClientError | undefined,
    link: Link,
  ): void;
  /** The link is over: a new one is needed for the next request. Called at most once, not after `close`. */
  onClose(error: MCPClientError): void;
}

/**
 * One connection to one server in a settled era: encodes requests, correlates what comes back, watches the
 * deadlines and cancels as the era wants it.
 */
export class Link {
  readonly era: Era;
  readonly revision: Revision;
  readonly server: ServerDescription;
  readonly transport: ClientTransport;
  /** When it was opened, on the monotonic clock. */
  readonly openedAtMs: number = performance.now();
  readonly #methods: MethodTable;
  readonly #meta: MetaEncoder;
  readonly #events: LinkEvents;
  readonly #wheel: DeadlineWheel;
  readonly #logger: Logger;
  readonly #exchanges = new IntrusiveList<Exchange>();
  /** Where messages of several requests share a stream; not modern HTTP, whose path it would slow down. */
  readonly #byId: Map<RequestId, Exchange> | undefined;
  readonly #serverRequests: ServerRequests;
  readonly #headersOf = new Map<string, readonly string[]>();
  #lastId: number;
  /** Legacy: what the session was told last. */
  #logLevel: LogLevel | undefined = undefined;
  #over = false;
  #ended: ((durationMs: number) => void) | undefined;
  /** Resolves when the last request has ended, after which nothing is sent over this link. */
  #retired: (() => void) | undefined = undefined;

  constructor(parts: {
    readonly agreement: Agreement;
    readonly server: ServerDescription;
    readonly transport: ClientTransport;
    readonly meta: MetaEncoder;
    /** The last request id that the handshake used: ids are never used again in a session. */
    readonly lastId: number;
    readonly events: LinkEvents;
    /** Called once, when nothing comes over the link any more. */
    readonly onEnded: (durationMs: number) => void;
    readonly wheel: DeadlineWheel;
    readonly logger: Logger;
  }) {
    this.era = parts.agreement.era;
    this.revision = parts.agreement.revision;
    this.server = parts.server;
    this.transport = parts.transport;
    this.#methods = codecFor(parts.agreement.revision).methods;
    this.#meta = parts.meta;
    this.#lastId = parts.lastId;
    const ownStreams = this.era === "modern" && parts.transport.kind === "http";
    this.#byId = ownStreams ? undefined : new Map();
    this.#events = parts.events;
    this.#ended = parts.onEnded;
    this.#wheel = parts.wheel;
    this.#logger = parts.logger;
    this.#serverRequests = new ServerRequests({
      logger: parts.logger,
      answer: (request, exchange, signal) =>
        parts.events.onServerRequest(request, exchange, signal),
      post: (text) => parts.transport.post(text, NO_HEADERS),
      pause: (exchange) => this.#pause(exchange),
    });
  }

  /** Requests without their response. */
  get inFlight(): number {
    return this.#exchanges.size;
  }

  /** No request can be sent any more. */
  get over(): boolean {
    return this.#over || this.#retired !== undefined;
  }

  /** What the handshake's transport is to tell: hand it to the connector. */
  static events(link: () => Link | undefined): TransportEvents {
    return {
      onMessage: (message) => link()?.received(message, undefined),
      onClose: (error) => link()?.transportClosed(error),
      onServerStream: (state, error) => link()?.serverStream(state, error),
    };
  }

  /** Sends one request. Never throws: what goes wrong reaches the owner, never before this returns. */
  send(request: LinkRequest, owner: ExchangeOwner): Exchange {
    const { method, params } = request;
    const id = ++this.#lastId;
    const exchange = new Exchange(this, id, method, owner);
    let text: string;
    let headers: readonly string[];
    try {
      text = encodeRequest(id, method, params, this.#meta, request);
      headers = this.#headers(method, params, request.headers);
    } catch (cause) {
      exchange.settled = true;
      queueMicrotask(() => owner.onError(unsendable(method, cause)));
      return exchange;
    }
    this.#exchanges.add(exchange);
    this.#byId?.set(id, exchange);
    if (
      request.idleMs !== Number.POSITIVE_INFINITY ||
      request.totalMs !== Number.POSITIVE_INFINITY
    ) {
      exchange.idleMs = request.idleMs;
      exchange.totalMs = request.totalMs;
      exchange.startedAtMs = this.#wheel.now();
      this.#wheel.add(exchange);
    }
    const { longLived = false } = request;
    this.transport.request({ id, method, text, headers, longLived }, exchange);
    return exchange;
  }

  /**
   * Legacy: makes the server send log messages of this level for the whole session, if it does not already.
   * @returns a promise only when the server had to be told.
   */
  ensureLogLevel(level: LogLevel): Promise<void> | undefined {
    if (this.era === "modern" || this.server.capabilities.logging === undefined) return undefined;
    if (this.#logLevel !== undefined && passesLogLevel(level, this.#logLevel)) return undefined;
    this.#logLevel = level;
    return new Promise((resolve) => {
      const owner: ExchangeOwner = {
        onResult: () => resolve(),
        // Without messages the request is still worth sending.
        onError: (error) => {
          this.#logger.warn({ err: error, level }, "could not set the server's log level");
          resolve();
        },
        onNotification: () => {},
      };
      this.send({ ...SET_LEVEL, params: { level } }, owner);
    });
  }

  /** Sends a notification. @throws {MCPClientError} */
  notify(method: string, params?: JsonObject): Promise<void> {
    const text = encodeNotification(method, params, this.#meta);
    return this.transport.post(text, this.era === "modern" ? [HEADER_METHOD, method] : NO_HEADERS);
  }

  /** Ends the link: requests under way fail with `closed`, a legacy session is ended. Idempotent. */
  async close(): Promise<void> {
    this.#end();
    this.#serverRequests.abortAll(closedError());
    await this.transport.endSession?.();
    await this.transport.close();
  }

  /**
   * Takes no more requests, and ends the link with the last one that is under way: what made one of them
   * fail need not concern the others.
   */
  async retire(error: MCPClientError): Promise<void> {
    if (this.over) return;
    const ended = new Promise<void>((resolve) => {
      this.#retired = resolve;
    });
    // Subscriptions move to another link: here they would hold it open.
    this.#events.onClose(error);
    if (this.#exchanges.size > 0) await ended;
    await this.close();
  }

  /** A message arrived, on a request's stream or beside all of them. */
  received(message: unknown, exchange: Exchange | undefined): void {
    switch (messageKind(message)) {
      case "result":
      case "failure":
        this.#respond(
          message as { id?: RequestId; result?: JsonObject; error?: unknown },
          exchange,
        );
        return;
      case "notification":
        this.#notified(message as { method: string; params?: JsonObject }, exchange);
        return;
      case "request":
        this.#serve(message as JsonRpcRequest, exchange);
        return;
      default:
        if (exchange !== undefined) {
          this.giveUp(
            exchange,
            new MCPClientError(
              "invalid_response",
              `${exchange.method}: the server sent something that is no JSON-RPC message`,
            ),
            "invalid message",
          );
        } else this.#logger.warn({}, "ignored something that is no JSON-RPC message");
    }
  }

  /** Takes an exchange off the books. */
  settled(exchange: Exchange): void {
    exchange.settled = true;
    this.#wheel.remove(exchange);
    this.#exchanges.delete(exchange);
    this.#byId?.delete(exchange.id);
    if (this.#retired !== undefined && this.#exchanges.size === 0) this.#retired();
  }

  /** Ends an exchange from this side: the server is told, the owner gets `error`. */
  giveUp(exchange: Exchange, error: MCPError | MCPClientError, reason: string): void {
    if (exchange.settled) return;
    this.settled(exchange);
    this.#cancel(exchange, reason);
    this.#serverRequests.abandon(exchange, error);
    exchange.owner.onError(error);
  }

  serverStream(state: "open" | "interrupted" | "ended", error: MCPClientError | undefined): void {
    if (!this.#over) this.#events.onServerStream?.(state, error, this);
  }

  transportClosed(error: MCPClientError): void {
    if (this.#over) return;
    this.#end();
    this.#serverRequests.abortAll(error);
    // The transport failed its requests; this is for one that forgot.
    for (const exchange of this.#exchanges.toArray()) exchange.onFailure(error);
    this.#events.onClose(error);
  }

  #end(): void {
    this.#over = true;
    this.#ended?.(performance.now() - this.openedAtMs);
    this.#ended = undefined;
  }

  /** Modern over HTTP: closing the stream is the cancellation. Everywhere else it is a notification. */
  #cancel(exchange: Exchange, reason: string): void {
    const { id, method } = exchange;
    this.transport.abandon(id);
    if (this.era === "modern" && this.transport.kind === "http") return;
    // It must not be cancelled (2025-11-25, basic/utilities/cancellation).
    if (method === "initialize" || this.#over) return;
    this.notify("notifications/cancelled", { requestId: id, reason }).catch((error: unknown) => {
      this.#logger.debug({ method, err: error }, "could not tell the server of a cancellation");
    });
  }

  #respond(
    message: { id?: RequestId; result?: JsonObject; error?: unknown },
    exchange: Exchange | undefined,
  ): void {
    const waiting =
      exchange ?? (message.id === undefined ? undefined : this.#byId?.get(message.id));
    // Late, or for nobody: to be ignored (spec: patterns/cancellation).
    if (waiting === undefined || waiting.settled) return;
    // An error may come without the id when the server could not read the request.
    if (message.id !== waiting.id && !(message.id === undefined && message.error !== undefined)) {
      this.giveUp(
        waiting,
        new MCPClientError(
          "invalid_response",
          `${waiting.method}: the response carries the id ${JSON.stringify(message.id)}, the request had ${JSON.stringify(waiting.id)}`,
          { details: { id: message.id } },
        ),
        "wrong id",
      );
      return;
    }
    this.settled(waiting);
    if (message.error === undefined) waiting.owner.onResult(message.result as JsonObject);
    else waiting.owner.onError(toMCPError(message.error as JsonRpcErrorObject, waiting));
  }

  #notified(
    message: { method: string; params?: JsonObject },
    exchange: Exchange | undefined,
  ): void {
    const { method } = message;
    const params = message.params ?? {};
    if (method === "notifications/cancelled") {
      this.#cancelledByServer(params);
      return;
    }
    const target = exchange ?? this.#targetOf(method, params);
    if (target === undefined) {
      // A legacy server on one stream does not say whose message it is: all that listen get it.
      if (method === "notifications/message") {
        for (const each of this.#exchanges.toArray()) this.#tell(each, method, params);
      }
      this.#events.onNotification(method, params, this);
      return;
    }
    if (target.settled) return;
    if (method === "notifications/progress") {
      // Only of its own token (spec: patterns/progress).
      if (params.progressToken !== target.id) return;
      this.#wheel.touch(target);
    } else if (method === "notifications/message") this.#wheel.touch(target);
    else if (this.era === "legacy") {
      this.#events.onNotification(method, params, this);
      return;
    }
    this.#tell(target, method, params);
  }

  /** A callback of the caller's that throws must not end the connection that others share. */
  #tell({ owner }: Exchange, method: string, params: JsonObject): void {
    try {
      owner.onNotification(method, params);
    } catch (error) {
      this.#logger.error({ method, err: error }, "a callback of a request threw");
    }
  }

  /** Whose notification it is, where all share one stream. */
  #targetOf(method: string, params: JsonObject): Exchange | undefined {
    if (method === "notifications/progress") {
      return this.#byId?.get(params.progressToken as RequestId);
    }
    const meta = params._meta;
    const subscription = isJsonObject(meta) ? meta[META_SUBSCRIPTION_ID] : undefined;
    return subscription === undefined ? undefined : this.#byId?.get(subscription as RequestId);
  }

  /** A legacy server takes its own request back, or a modern one ends a subscription over stdio. */
  #cancelledByServer(params: JsonObject): void {
    const id = params.requestId as RequestId;
    // A legacy server can only mean a request of its own, answered or not: ids are of one direction.
    if (this.#serverRequests.takeBack(id) || this.era === "legacy") return;
    const exchange = this.#byId?.get(id);
    if (exchange !== undefined && !exchange.settled) {
      this.settled(exchange);
      this.transport.abandon(id);
      exchange.owner.onError(
        new MCPClientError("connection_lost", `${exchange.method}: the server ended the request`, {
          retry: "if-idempotent",
        }),
      );
    }
  }

  #serve(request: JsonRpcRequest, exchange: Exchange | undefined): void {
    // Modern servers must not send requests, and modern clients must not answer them (spec: transports).
    if (this.era === "modern") {
      this.#logger.warn({ method: request.method }, "ignored a request from a modern server");
    } else if (!this.#over) this.#serverRequests.serve(request, exchange);
  }

  #pause(exchange: Exchange | undefined): () => void {
    const waiting = exchange === undefined ? this.#exchanges.toArray() : [exchange];
    for (const each of waiting) this.#wheel.pause(each);
    return () => {
      for (const each of waiting) this.#wheel.resume(each);
    };
  }

  /**
   * The headers that mirror the body (spec: transports/streamable-http). Kept by method and target, so that
   * calls of the same tool share them.
   */
  #headers(method: string, params: JsonObject, extra: readonly string[]): readonly string[] {
    if (this.transport.kind !== "http" || this.era === "legacy") return extra;
    const member = this.#methods.get(method)?.targetMember;
    const target = member === undefined ? undefined : params[member];
    const key = typeof target === "string" ? `${method} ${target}` : method;
    let headers = this.#headersOf.get(key);
    if (headers === undefined) {
      headers = mirrorHeaders(method, typeof target === "string" ? target : undefined);
      // Reading a thousand resources once each must not fill the memory.
      if (this.#headersOf.size >= MAX_KEPT_HEADERS) this.#headersOf.clear();
      this.#headersOf.set(key, headers);
    }
    return extra.length === 0 ? headers : [...headers, ...extra];
  }
}

function closedError(): MCPClientError {
  return new MCPClientError("closed", "the client was closed");
}

/** What JSON or a header cannot carry, or a member of `_meta` that is not the caller's to give. */
function unsendable(method: string, cause: unknown): MCPClientError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MCPClientError("not_supported", `${method}: the request cannot be sent: ${why}`, {
    cause,
  });
}

/** The server's error; what it or its HTTP answer says of a retry becomes `retryAfterMs`. */
function toMCPError({ code, message, data }: JsonRpcErrorObject, exchange: Exchange): MCPError {
  const said = isJsonObject(data) ? data.retryAfterMs : undefined;
  const retryAfterMs = typeof said === "number" && said >= 0 ? said : exchange.retryAfterMs;
  return new MCPError(code, message, { data, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}
