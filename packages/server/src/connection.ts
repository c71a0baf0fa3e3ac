import {
  CHANNELS,
  classifyMessage,
  codecFor,
  exceedsJsonDepth,
  invalidRequest,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type LogLevel,
  type MCPError,
  type MessageTransport,
  type ModernRevision,
  type Principal,
  parseError,
  type RequestId,
  salvageId,
  type TransportInfo,
} from "@backplane/protocol";
import { Call, type Peer, type PeerSession } from "./call.ts";
import { type Caller, callerOf, modernPeer } from "./caller.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Dispatcher } from "./dispatch.ts";
import { expired } from "./identity.ts";
import { initialize, legacyRefused } from "./lifecycle.ts";
import { limitHit } from "./limit-hit.ts";
import { noBatches, tooDeep, tooLarge } from "./message-refusals.ts";
import { notificationText } from "./notification-text.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Outlet } from "./outlet.ts";
import { PendingRequests } from "./pending-requests.ts";
import type { Registry } from "./registry.ts";
import { type ResourceWatches, subscriptionOwner } from "./resource-watches.ts";
import { encodeFailure } from "./response-encoder.ts";
import { WatchedUris } from "./watched-uris.ts";

export interface ConnectionDependencies {
  readonly options: ResolvedOptions;
  readonly dispatcher: Dispatcher;
  readonly registry: Registry;
  readonly changes: ChangeFeed;
  readonly watches: ResourceWatches;
}

/** The legacy half of a connection, once `initialize` was answered. */
interface LegacyState {
  readonly peer: Peer;
  readonly subscriptions: WatchedUris;
}

/** Where an answer goes: the transport, or the batch that the request came in. */
interface Reply {
  send(text: string): void;
  /** There will be no answer. */
  skip(): void;
}

/**
 * One client on a transport that carries messages both ways: stdio or in memory. The first message that
 * says so fixes the era (spec: basic/versioning); a `server/discover` probe does not.
 */
export class Connection {
  readonly #transport: MessageTransport;
  readonly #info: TransportInfo;
  readonly #caller: Caller;
  readonly #deps: ConnectionDependencies;
  readonly #calls = new Map<RequestId, Call>();
  readonly #pending: PendingRequests;
  #modernPinned = false;
  #legacy: LegacyState | undefined;
  #stopListening: (() => void) | undefined;
  #closed = false;
  readonly #onClosed: () => void;
  readonly #direct: Reply;
  readonly #beganAtMs: number = performance.now();

  constructor(
    transport: MessageTransport,
    kind: "stdio" | "in-memory",
    principal: Principal | undefined,
    deps: ConnectionDependencies,
    onClosed: () => void,
  ) {
    this.#transport = transport;
    this.#info = { kind, remoteAddress: undefined, header: () => undefined };
    this.#caller = callerOf(principal);
    this.#deps = deps;
    this.#onClosed = onClosed;
    this.#gauge(1, undefined);
    this.#direct = { send: (text) => transport.send(text), skip: () => {} };
    this.#pending = new PendingRequests((text) => transport.send(text));
    transport.start({
      onMessage: (text) => this.#receive(text),
      onOversized: () => {
        const { maxBodyBytes } = deps.options.limits;
        limitHit(deps.dispatcher.serverId, "maxBodyBytes");
        this.#refuse(undefined, tooLarge(maxBodyBytes));
      },
      onClose: () => this.#end(),
    });
  }

  /** Closes the transport; running calls are cancelled. */
  close(): Promise<void> {
    this.#cancelAll();
    return this.#transport.close();
  }

  #receive(text: string): void {
    const { maxJsonDepth } = this.#deps.options.limits;
    if (exceedsJsonDepth(text, maxJsonDepth)) {
      limitHit(this.#deps.dispatcher.serverId, "maxJsonDepth");
      this.#refuse(undefined, tooDeep(maxJsonDepth));
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#refuse(undefined, parseError());
      return;
    }
    if (Array.isArray(value)) this.#receiveBatch(value);
    else this.#receiveOne(value, this.#direct);
  }

  /** Batches are part of 2025-03-26 only; the answers go back as one array. */
  #receiveBatch(values: readonly unknown[]): void {
    const { maxBatch } = this.#deps.options.limits;
    if (this.#legacy?.peer.codec.revision !== "2025-03-26") {
      this.#refuse(undefined, noBatches());
      return;
    }
    if (values.length === 0 || values.length > maxBatch) {
      this.#refuse(undefined, invalidRequest(`a batch holds 1 to ${maxBatch} messages`));
      return;
    }
    const answers: string[] = [];
    // Every member ends exactly once, whatever it turns out to be.
    let open = values.length;
    const done = (): void => {
      if (--open === 0 && answers.length > 0) this.#transport.send(`[${answers.join(",")}]`);
    };
    const gathered: Reply = {
      send: (text) => {
        answers.push(text);
        done();
      },
      skip: done,
    };
    for (const value of values) this.#receiveOne(value, gathered);
  }

  #receiveOne(value: unknown, reply: Reply): void {
    const { expiresAtMs } = this.#caller.principal ?? {};
    if (expiresAtMs !== undefined && expiresAtMs <= this.#deps.options.clock.now()) {
      const id = salvageId(value);
      if (id === undefined) reply.skip();
      else this.#refuse(id, expired(), reply);
      return;
    }
    const classified = classifyMessage(value, undefined, false);
    switch (classified.kind) {
      case "modern-request":
        this.#modernRequest(classified.message, classified.revision, reply);
        break;
      case "modern-notification":
      case "legacy-notification":
        this.#notification(classified.message);
        reply.skip();
        break;
      case "legacy-request":
        this.#legacyRequest(classified.message, reply);
        break;
      case "legacy-response":
        this.#pending.settle(classified.message);
        reply.skip();
        break;
      case "rejected":
        this.#refuse(salvageId(value), classified.error, reply);
    }
  }

  #modernRequest(message: JsonRpcRequest, revision: ModernRevision, reply: Reply): void {
    try {
      const codec = codecFor(revision);
      const claims = codec.decodeClaims(message.params?._meta as Record<string, unknown>);
      // A client that only probes may still find no version it speaks, and go on with `initialize`.
      if (message.method !== "server/discover") this.#modernPinned = true;
      const peer = modernPeer(codec, claims, this.#caller, this.#info);
      this.#run(
        new Call(this.#deps.dispatcher, message, claims, peer, this.#outlet(message, reply)),
      );
    } catch (error) {
      this.#refuse(message.id, error as MCPError, reply);
    }
  }

  #legacyRequest(message: JsonRpcRequest, reply: Reply): void {
    if (this.#deps.options.legacy === false || this.#modernPinned) {
      const error = legacyRefused(message.params?.protocolVersion);
      this.#refuse(message.id, error, reply);
      return;
    }
    try {
      if (message.method === "initialize") {
        this.#initialize(message, reply);
        return;
      }
      if (this.#legacy === undefined) {
        if (message.method === "ping") reply.send(resultText(message.id, {}));
        else
          this.#refuse(message.id, invalidRequest("the first request must be initialize"), reply);
        return;
      }
      const { peer } = this.#legacy;
      const claims = peer.codec.decodeClaims(message.params?._meta as Record<string, unknown>);
      this.#run(
        new Call(this.#deps.dispatcher, message, claims, peer, this.#outlet(message, reply)),
      );
    } catch (error) {
      this.#refuse(message.id, error as MCPError, reply);
    }
  }

  #initialize(message: JsonRpcRequest, reply: Reply): void {
    if (this.#legacy !== undefined) {
      this.#refuse(message.id, invalidRequest("this connection is initialized already"), reply);
      return;
    }
    const { options, registry } = this.#deps;
    const settled = initialize(message.params, options, registry);
    const owner = subscriptionOwner(this.#caller.principalKey, undefined);
    const subscriptions = new WatchedUris(this.#deps.watches, owner);
    const session: PeerSession = {
      setLogLevel: async (level) => {
        peer.logLevel = level;
      },
      setSubscription: async (uri, subscribed) => {
        if (!subscribed) subscriptions.delete(uri);
        else if (subscriptions.has(uri)) return true;
        else if (subscriptions.size >= options.limits.maxSubscriptions) {
          limitHit(this.#deps.dispatcher.serverId, "maxSubscriptions");
          return false;
        } else if (!subscriptions.add(uri)) {
          limitHit(this.#deps.dispatcher.serverId, "maxSubscriptionsPerPrincipal");
          return false;
        }
        if (subscribed) await this.#deps.watches.started(uri);
        return true;
      },
    };
    const peer: Peer & { logLevel: LogLevel | undefined } = {
      codec: codecFor(settled.revision),
      principal: this.#caller.principal,
      principalKey: this.#caller.principalKey,
      clientInfo: settled.clientInfo,
      capabilities: settled.capabilities,
      sessionId: undefined,
      session,
      transport: this.#info,
      logLevel: "info",
    };
    this.#legacy = { peer, subscriptions };
    reply.send(resultText(message.id, settled.result));
    this.#listen(subscriptions);
  }

  /** Legacy changes come unsolicited: lists always, resources as subscribed. */
  #listen(subscriptions: WatchedUris): void {
    const { changes, options } = this.#deps;
    subscriptions.watchLists();
    changes
      .listen({
        onListChanged: (kind) =>
          this.#transport.send(notificationText(`notifications/${kind}/list_changed`, undefined)),
        onResourceUpdated: (uri) => {
          if (!subscriptions.has(uri)) return;
          this.#transport.send(notificationText("notifications/resources/updated", { uri }));
        },
      })
      .then(
        (stop) => {
          if (this.#closed) stop();
          else this.#stopListening = stop;
        },
        (error: unknown) =>
          options.logger.warn({ err: error }, "a connection is not told of changes"),
      );
  }

  #notification(message: JsonRpcNotification): void {
    if (message.method !== "notifications/cancelled") return;
    const { requestId, reason } = message.params ?? {};
    const call = this.#calls.get(requestId as RequestId);
    call?.cancel(typeof reason === "string" ? reason : "the client cancelled the request");
  }

  #run(call: Call): void {
    this.#deps.dispatcher.run(call);
    // Only what still runs can be cancelled; most calls never enter the map.
    if (!call.settled) this.#calls.set(call.requestId, call);
  }

  /** @throws {MCPError} −32600 when a request with this id still runs. */
  #outlet(message: JsonRpcRequest, reply: Reply): Outlet {
    if (this.#calls.has(message.id))
      throw invalidRequest("a request with this id is still running");
    return {
      finish: (text) => {
        this.#calls.delete(message.id);
        reply.send(String(text));
      },
      abandon: () => {
        this.#calls.delete(message.id);
        reply.skip();
      },
      notify: (text) => this.#transport.send(text),
      request: (method, params, signal) => this.#pending.send(method, params, signal),
    };
  }

  #refuse(id: RequestId | undefined, error: MCPError, reply: Reply = this.#direct): void {
    reply.send(encodeFailure(id, error.toErrorObject()));
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gauge(-1, performance.now() - this.#beganAtMs);
    this.#stopListening?.();
    this.#legacy?.subscriptions.close();
    this.#pending.close("the connection closed");
    // The end of stdin says that nothing more will be asked; stdout may still carry what was (LESSONS 8).
    if (this.#info.kind !== "stdio") this.#cancelAll();
    this.#onClosed();
  }

  #gauge(delta: 1 | -1, durationMs: number | undefined): void {
    if (!CHANNELS.gauge.hasSubscribers) return;
    const { serverId } = this.#deps.dispatcher;
    CHANNELS.gauge.publish({ serverId, kind: "connection", delta, durationMs });
  }

  #cancelAll(): void {
    for (const call of [...this.#calls.values()]) call.cancel("the connection closed");
  }
}

function resultText(id: RequestId, result: object): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
}
