import {
  HEADER_SESSION_ID,
  invalidRequest,
  isRequestId,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  MCPError,
  type SessionRecord,
} from "@backplane/protocol";
import { Call } from "../call.ts";
import type { Caller } from "../caller.ts";
import { randomId } from "../internal/random-id.ts";
import { initialize } from "../lifecycle.ts";
import { LiveSessions } from "../live-sessions.ts";
import type { SessionOutlet } from "../local-session.ts";
import { encodeFailure } from "../response-encoder.ts";
import { SessionPeer, Sessions } from "../sessions.ts";
import { type BatchEntry, BatchOutlet, BatchReply, readBatch } from "./batch-outlet.ts";
import type { LegacyLeg } from "./endpoint.ts";
import type { HttpExchange } from "./exchange.ts";
import type { LegacyLegDependencies } from "./legacy-leg.ts";
import { LegacyOutlet, openCallStream } from "./legacy-outlet.ts";
import { SseOutlet, sseSessionId } from "./legacy-sse.ts";
import { Refusal, refuse, refusedFor } from "./refusal.ts";
import { checkId, checkSession, sessionNotFound } from "./session-checks.ts";
import { SessionGets } from "./session-gets.ts";

/** Legacy revisions with sessions: any server object that shares the seams serves any request of any session. */
export class SessionLeg implements LegacyLeg {
  readonly #deps: LegacyLegDependencies;
  readonly #live: LiveSessions;
  readonly #sessions: Sessions;
  readonly #gets: SessionGets;
  #draining = false;

  constructor(dependencies: LegacyLegDependencies) {
    const { options, serverId } = dependencies;
    this.#deps = dependencies;
    this.#live = new LiveSessions(options, serverId);
    this.#sessions = new Sessions(options, serverId, this.#live, dependencies.watches);
    this.#gets = new SessionGets({ ...dependencies, sessions: this.#sessions, live: this.#live });
  }

  post(exchange: HttpExchange, caller: Caller, message: unknown): void {
    void this.#post(exchange, caller, message as Message);
  }

  postBatch(exchange: HttpExchange, caller: Caller, messages: readonly unknown[]): void {
    void this.#postBatch(exchange, caller, messages);
  }

  get(exchange: HttpExchange, caller: Caller): void {
    void this.#get(exchange, caller);
  }

  delete(exchange: HttpExchange, caller: Caller): void {
    void this.#delete(exchange, caller);
  }

  drain(): void {
    this.#draining = true;
    this.#live.drain();
  }

  async close(): Promise<void> {
    this.#draining = true;
    this.#sessions.close();
    await this.#live.close();
  }

  // One promise per request, hence the `try` in each: the path of every legacy call.
  async #post(exchange: HttpExchange, caller: Caller, message: Message): Promise<void> {
    try {
      const header = exchange.header(HEADER_SESSION_ID);
      const id = header ?? this.#sseSessionId(exchange);
      if (isInitialize(message) && id === header) {
        await this.#initialize(exchange, caller, message);
        return;
      }
      if (!this.#live.control.started) await this.#live.control.start();
      const record = checkSession(exchange, caller, await this.#sessions.read(checkId(id)));
      if (id === header) {
        if ("method" in message && "id" in message) this.#call(exchange, caller, record, message);
        else await this.#tell(exchange, record, message);
      } else await this.#postSse(exchange, caller, record, message);
    } catch (error) {
      this.#failed(exchange, error, message);
    }
  }

  async #postBatch(
    exchange: HttpExchange,
    caller: Caller,
    messages: readonly unknown[],
  ): Promise<void> {
    try {
      const record = await this.#find(exchange, caller);
      const { limits } = this.#deps.options;
      const entries = readBatch(messages, record.revision, limits.maxBatch);
      const live = this.#live;
      const reply = new BatchReply(exchange, () =>
        openCallStream({ live, exchange, sessionId: record.id, revision: record.revision }),
      );
      try {
        for (const entry of entries) await this.#batchEntry(entry, exchange, caller, record, reply);
      } finally {
        // Whatever stopped the rest, what was begun is answered.
        reply.seal();
      }
    } catch (error) {
      this.#failed(exchange, error, undefined);
    }
  }

  async #get(exchange: HttpExchange, caller: Caller): Promise<void> {
    try {
      if (this.#draining) throw refusedFor("draining");
      if (exchange.header(HEADER_SESSION_ID) === undefined) {
        await this.#gets.withoutSession(exchange, caller);
      } else await this.#gets.ofSession(exchange, caller, await this.#find(exchange, caller));
    } catch (error) {
      this.#failed(exchange, error, undefined);
    }
  }

  async #delete(exchange: HttpExchange, caller: Caller): Promise<void> {
    try {
      const record = await this.#find(exchange, caller);
      if (!(await this.#sessions.end(record.id, record.createdAtMs))) throw sessionNotFound();
      exchange.respond(200, undefined);
    } catch (error) {
      this.#failed(exchange, error, undefined);
    }
  }

  async #initialize(
    exchange: HttpExchange,
    caller: Caller,
    request: JsonRpcRequest,
  ): Promise<void> {
    if (this.#draining) throw refusedFor("draining");
    const { options, registry } = this.#deps;
    const settled = initialize(request.params, options, registry);
    const id = randomId();
    if (!(await this.#sessions.create(id, settled, caller.principalKey))) {
      throw refusedFor("too_many_sessions");
    }
    exchange.respond(200, resultText(request, settled.result), { "Mcp-Session-Id": id });
  }

  #call(
    exchange: HttpExchange,
    caller: Caller,
    record: SessionRecord,
    message: JsonRpcRequest,
  ): void {
    const outlet = new LegacyOutlet(this.#live, exchange, record.id, record.revision);
    this.#run(exchange, caller, record, message, outlet);
  }

  /** @throws {MCPError} −32600 for an id in use, −32602 for malformed `_meta`. */
  #run(
    exchange: HttpExchange,
    caller: Caller,
    record: SessionRecord,
    message: JsonRpcRequest,
    outlet: SessionOutlet,
  ): void {
    if (this.#live.isRunning(record.id, message.id)) {
      throw invalidRequest("a request with this id is still running");
    }
    const { dispatcher } = this.#deps;
    const peer = new SessionPeer(this.#sessions, record, caller.principal, exchange);
    const claims = peer.codec.decodeClaims(message.params?._meta as Record<string, unknown>);
    const call = new Call(dispatcher, message, claims, peer, outlet);
    dispatcher.run(call);
    // Most calls end at once and never enter a map.
    if (!call.settled) this.#live.track(record.id, call, outlet);
  }

  async #batchEntry(
    entry: BatchEntry,
    exchange: HttpExchange,
    caller: Caller,
    record: SessionRecord,
    reply: BatchReply,
  ): Promise<void> {
    if (entry.kind === "invalid") {
      reply.expect();
      reply.answer(entry.text);
    } else if (entry.kind === "request") {
      reply.expect();
      const outlet = new BatchOutlet(reply, this.#live);
      try {
        this.#run(exchange, caller, record, entry.message, outlet);
      } catch (error) {
        if (!MCPError.isInstance(error)) throw error;
        reply.answer(encodeFailure(entry.message.id, error.toErrorObject()));
      }
    } else await this.#receive(record, entry.message);
  }

  /** A notification or an answer. */
  async #tell(exchange: HttpExchange, record: SessionRecord, message: Message): Promise<void> {
    await this.#receive(record, message);
    exchange.respond(202, undefined);
  }

  async #receive(record: SessionRecord, message: Message): Promise<void> {
    const session = record.id;
    if (!("method" in message)) {
      this.#live.tellOwner({ type: "answer", session, response: message });
    } else if (message.method === "notifications/cancelled") {
      const { requestId, reason } = message.params ?? {};
      if (!isRequestId(requestId)) return;
      this.#live.tellOwner({
        type: "cancel",
        session,
        requestId,
        reason: typeof reason === "string" ? reason : "the client cancelled the request",
      });
    } else if (message.method === "notifications/initialized" && !record.initialized) {
      await this.#sessions.markInitialized(session);
    }
  }

  /** HTTP+SSE: whatever is posted is accepted, and what it gives rise to comes on the session's stream. */
  async #postSse(
    exchange: HttpExchange,
    caller: Caller,
    record: SessionRecord,
    message: Message,
  ): Promise<void> {
    if (!("method" in message && "id" in message)) {
      await this.#tell(exchange, record, message);
      return;
    }
    const outlet = new SseOutlet(this.#live, record.id);
    if (message.method === "initialize") {
      if (record.clientInfo !== undefined) {
        throw invalidRequest("this session is initialized already");
      }
      const { options, registry } = this.#deps;
      const settled = initialize(message.params, options, registry);
      if (!(await this.#sessions.replace(record.id, settled, record.principalKey))) {
        throw refusedFor("too_many_sessions");
      }
      exchange.respond(202, undefined);
      outlet.finish(resultText(message, settled.result));
      return;
    }
    if (record.clientInfo === undefined && message.method !== "ping") {
      throw invalidRequest("the first request must be initialize");
    }
    exchange.respond(202, undefined);
    try {
      this.#run(exchange, caller, record, message, outlet);
    } catch (error) {
      if (!MCPError.isInstance(error)) throw error;
      outlet.finish(encodeFailure(message.id, error.toErrorObject()));
    }
  }

  async #find(exchange: HttpExchange, caller: Caller): Promise<SessionRecord> {
    if (!this.#live.control.started) await this.#live.control.start();
    const id = checkId(exchange.header(HEADER_SESSION_ID));
    return checkSession(exchange, caller, await this.#sessions.read(id));
  }

  #sseSessionId(exchange: HttpExchange): string | undefined {
    return this.#deps.options.legacySse ? sseSessionId(exchange.path) : undefined;
  }

  #failed(exchange: HttpExchange, error: unknown, message: unknown): void {
    if (error instanceof Refusal) {
      refuse(exchange, error.status, error.error, message, error.headers);
    } else if (MCPError.isInstance(error)) refuse(exchange, 400, error, message);
    else {
      this.#deps.options.logger.error({ err: error }, "a session's request could not be served");
      const { status, error: told } = refusedFor("store_unavailable");
      refuse(exchange, status, told, message);
    }
  }
}

type Message = JsonRpcRequest | JsonRpcNotification | JsonRpcResponse;

/** A notification of that name begins nothing: there is no id to answer. */
function isInitialize(message: Message): message is JsonRpcRequest {
  return "method" in message && message.method === "initialize" && "id" in message;
}

function resultText(request: JsonRpcRequest, result: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id: request.id, result });
}
