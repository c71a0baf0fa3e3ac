import {
  ASSUMED_LEGACY_REVISION,
  codecFor,
  type JsonRpcRequest,
  type LegacyRevision,
  MCPError,
  type ServerCapabilities,
} from "@backplane/protocol";
import { Call, type Peer } from "../call.ts";
import type { Caller } from "../caller.ts";
import { initialize } from "../lifecycle.ts";
import type { Outlet } from "../outlet.ts";
import { encodeFailure } from "../response-encoder.ts";
import { BatchReply, type BatchStream, readBatch } from "./batch-outlet.ts";
import type { LegacyLeg } from "./endpoint.ts";
import type { HttpExchange, SseStream } from "./exchange.ts";
import type { LegacyLegDependencies } from "./legacy-leg.ts";
import { PostOutlet } from "./post-outlet.ts";
import { methodNotAllowed, namedRevision, Refusal, refuse, refusedFor } from "./refusal.ts";

/**
 * Legacy revisions without sessions: each POST on its own, at any replica, with nothing shared. What
 * needs a session is not declared and not served: asking the client, `logging/setLevel`, subscriptions,
 * the GET stream, resumption, cancellation.
 */
export class StatelessLeg implements LegacyLeg {
  readonly #deps: LegacyLegDependencies;
  #draining = false;

  constructor(dependencies: LegacyLegDependencies) {
    this.#deps = dependencies;
  }

  post(exchange: HttpExchange, caller: Caller, message: unknown): void {
    try {
      const request = message as JsonRpcRequest;
      if (request.method === undefined || request.id === undefined) {
        namedRevision(exchange);
        exchange.respond(202, undefined);
      } else if (request.method === "initialize") this.#initialize(exchange, request);
      else {
        const revision = namedRevision(exchange) ?? ASSUMED_LEGACY_REVISION;
        this.#run(exchange, caller, revision, request, new PostOutlet(exchange, "legacy"));
      }
    } catch (error) {
      refuseThrown(exchange, error, message);
    }
  }

  postBatch(exchange: HttpExchange, caller: Caller, messages: readonly unknown[]): void {
    try {
      const revision = namedRevision(exchange) ?? ASSUMED_LEGACY_REVISION;
      const entries = readBatch(messages, revision, this.#deps.options.limits.maxBatch);
      const reply = new BatchReply(exchange, () => plainStream(exchange.openStream()));
      for (const entry of entries) {
        if (entry.kind === "invalid") {
          reply.expect();
          reply.answer(entry.text);
        } else if (entry.kind === "request") {
          reply.expect();
          this.#runInBatch(exchange, caller, revision, entry.message, reply);
        }
      }
      reply.seal();
    } catch (error) {
      refuseThrown(exchange, error, undefined);
    }
  }

  get(exchange: HttpExchange): void {
    refuseThrown(exchange, noSessions(), undefined);
  }

  delete(exchange: HttpExchange): void {
    refuseThrown(exchange, noSessions(), undefined);
  }

  drain(): void {
    this.#draining = true;
  }

  async close(): Promise<void> {}

  #initialize(exchange: HttpExchange, request: JsonRpcRequest): void {
    if (this.#draining) throw refusedFor("draining");
    const { options, registry } = this.#deps;
    const { result } = initialize(request.params, options, registry);
    const { capabilities } = result as { readonly capabilities: ServerCapabilities };
    const text = JSON.stringify({
      jsonrpc: "2.0",
      id: request.id,
      result: { ...result, capabilities: withoutSessions(capabilities) },
    });
    exchange.respond(200, text);
  }

  #runInBatch(
    exchange: HttpExchange,
    caller: Caller,
    revision: LegacyRevision,
    message: JsonRpcRequest,
    reply: BatchReply,
  ): void {
    const outlet: Outlet = {
      finish: (text) => reply.answer(String(text)),
      abandon: () => reply.skip(),
      notify: (text) => reply.stream().notify(text),
    };
    try {
      this.#run(exchange, caller, revision, message, outlet);
    } catch (error) {
      if (!MCPError.isInstance(error)) throw error;
      reply.answer(encodeFailure(message.id, error.toErrorObject()));
    }
  }

  #run(
    exchange: HttpExchange,
    caller: Caller,
    revision: LegacyRevision,
    message: JsonRpcRequest,
    outlet: Outlet,
  ): void {
    const { dispatcher } = this.#deps;
    const codec = codecFor(revision);
    const peer: Peer = {
      codec,
      principal: caller.principal,
      principalKey: caller.principalKey,
      clientInfo: undefined,
      capabilities: {},
      sessionId: undefined,
      session: undefined,
      transport: exchange,
      logLevel: undefined,
    };
    const claims = codec.decodeClaims(message.params?._meta as Record<string, unknown>);
    dispatcher.run(new Call(dispatcher, message, claims, peer, outlet));
  }
}

function plainStream(stream: SseStream): BatchStream {
  const send = (text: string): void => stream.send({ data: text });
  return { send, notify: send, end: () => stream.close() };
}

function noSessions(): Refusal {
  return methodNotAllowed('only POST is served: the option legacy is "stateless"', "POST");
}

/** What is promised for later needs a session that remembers it. */
function withoutSessions(capabilities: ServerCapabilities): ServerCapabilities {
  const { tools, prompts, resources, completions } = capabilities;
  return {
    ...(tools !== undefined && { tools: {} }),
    ...(prompts !== undefined && { prompts: {} }),
    ...(resources !== undefined && { resources: {} }),
    ...(completions !== undefined && { completions }),
  };
}

function refuseThrown(exchange: HttpExchange, error: unknown, message: unknown): void {
  if (error instanceof Refusal) {
    refuse(exchange, error.status, error.error, message, error.headers);
  } else if (MCPError.isInstance(error)) refuse(exchange, 400, error, message);
  else throw error;
}
