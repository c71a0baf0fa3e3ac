import {
  type ClientCapabilities,
  type Clock,
  HEADER_METHOD,
  type Implementation,
  isJsonObject,
  type JsonObject,
  type LegacyRevision,
  type Logger,
} from "@backplane/protocol";
import type { EraCache } from "./era-cache.ts";
import { MCPClientError } from "./errors.ts";
import { ask, type Reply } from "./handshake/ask.ts";
import { EventRelay } from "./handshake/event-relay.ts";
import { beforeAnyRequest, failureEvent, unusable } from "./handshake/failures.ts";
import { forgetVerdict, rememberVerdict, verdictFor } from "./handshake/remembered-era.ts";
import { type Claims, readDiscovery, readInitialization } from "./handshake/server-claims.ts";
import { TimeLimit } from "./handshake/time-limit.ts";
import { bindingFor, UNBOUND } from "./http-binding.ts";
import { advance, beginNegotiation } from "./negotiation/negotiate.ts";
import type {
  Carrier,
  DiscoverStep,
  InitializeStep,
  Negotiation,
  NegotiationEvent,
  NegotiationSetup,
  SettledStep,
} from "./negotiation/types.ts";
import type { Agreement, ServerDescription } from "./server-description.ts";
import type { ClientTransport, TransportEvents } from "./transport.ts";
import { createMetaEncoder, encodeNotification, encodeRequest, type MetaEncoder } from "./wire.ts";

/** What opening a connection needs. */
export interface ConnectorParts {
  readonly info: Implementation;
  readonly capabilities: ClientCapabilities;
  readonly protocol: NegotiationSetup["protocol"];
  readonly carrier: NegotiationSetup["carrier"];
  /** A transport that nobody has opened yet. Called again for a new process or another carrier. */
  makeTransport(carrier: Carrier): ClientTransport | Promise<ClientTransport>;
  readonly eraCache: EraCache;
  /** The server's name in the cache; undefined where nothing is remembered. */
  readonly eraKey: string | undefined;
  /** Longest time for everything, in milliseconds; `Infinity` for none. */
  readonly connectTimeoutMs: number;
  /** Ends the connecting; its reason becomes the `cause`. */
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An open connection in a settled era. */
export interface Connected {
  readonly transport: ClientTransport;
  readonly agreement: Agreement;
  readonly server: ServerDescription;
  readonly meta: MetaEncoder;
  /** The last request id that was used: none is used twice in a session. */
  readonly lastId: number;
  /** Tells what the transport has told since the handshake, and everything from now on. Called once. */
  attach(events: TransportEvents): void;
}

/**
 * Longest silence after a probe over stdio: some servers never answer what they do not know, others are
 * downloaded by their command first.
 */
const PROBE_TIMEOUT_MS = 10_000;

/** How long an era cache is waited for: asking the server takes no longer. */
const ERA_CACHE_MS = 500;

const UNLIMITED = Number.POSITIVE_INFINITY;
const NOTHING_OWN = { meta: undefined, wantsProgress: false, logLevel: undefined };
const NO_HEADERS: readonly string[] = [];

/**
 * Opens a connection and settles the era, as `negotiate` says step by step. What is given up on the way, a process
 * or a socket, is closed before this settles.
 * @throws {MCPError} what the server answered.
 * @throws {MCPClientError} `connection_failed`, `unsupported_version`, `unauthorized`, `timeout`, `aborted` and
 * others. No request of the caller's was sent, so that a retry is safe where it makes sense.
 */
export async function connect(parts: ConnectorParts): Promise<Connected> {
  const { connectTimeoutMs, signal, clock } = parts;
  const limit = new TimeLimit(connectTimeoutMs, signal, clock);
  const connection = new Handshake(parts, limit);
  try {
    return await connection.run();
  } catch (error) {
    await connection.discard();
    throw beforeAnyRequest(error);
  } finally {
    limit.end();
  }
}

class Handshake {
  readonly #parts: ConnectorParts;
  readonly #limit: TimeLimit;
  #transport: ClientTransport | undefined;
  #carrier: Carrier | undefined;
  #relay: EventRelay | undefined;
  #claims: Claims | undefined;
  #sessionId: string | undefined;
  #lastId = 0;

  constructor(parts: ConnectorParts, limit: TimeLimit) {
    this.#parts = parts;
    this.#limit = limit;
  }

  async run(): Promise<Connected> {
    const { carrier, protocol } = this.#parts;
    const verdict = await this.#limit.bound(verdictFor(this.#parts), ERA_CACHE_MS);
    let negotiation = beginNegotiation({ carrier, protocol, verdict });
    for (;;) {
      const { step } = negotiation;
      if (step.kind === "settled") return this.#settle(step);
      if (step.kind === "failed") {
        if (verdict !== undefined) {
          await this.#limit.bound(forgetVerdict(this.#parts), ERA_CACHE_MS);
        }
        throw step.error;
      }
      const event = await this.#take(step, this.#stepTimeoutMs(negotiation));
      negotiation = advance(negotiation, event);
    }
  }

  /** Closes what is open. Never throws. */
  async discard(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    if (transport === undefined) return;
    // A session that will not be used is not left to the server's patience.
    if (this.#sessionId !== undefined) await transport.endSession?.();
    this.#sessionId = undefined;
    await transport.close();
  }

  async #settle({ era, revision, over }: SettledStep): Promise<Connected> {
    const { info, capabilities } = this.#parts;
    const transport = this.#transport as ClientTransport;
    const meta = createMetaEncoder(info, capabilities, revision);
    if (era === "legacy") {
      // Ends the handshake (2025-11-25, basic/lifecycle).
      this.#bind(revision as LegacyRevision);
      const text = encodeNotification("notifications/initialized", undefined, meta);
      await this.#limit.bound(transport.post(text, NO_HEADERS));
    }
    await this.#limit.bound(rememberVerdict(this.#parts, { era, revision }, over), ERA_CACHE_MS);
    return {
      transport,
      agreement: { era, revision },
      server: (this.#claims as Claims).server,
      meta,
      lastId: this.#lastId,
      attach: (events) => (this.#relay as EventRelay).attach(events),
    };
  }

  async #take(step: DiscoverStep | InitializeStep, timeoutMs: number): Promise<NegotiationEvent> {
    try {
      await this.#prepare(step);
    } catch (error) {
      this.#limit.throwIfOver();
      return failureEvent(error, step.over);
    }
    const { method, reply, transport } = this.#send(step);
    const answer = await this.#limit.bound(reply, timeoutMs);
    if (answer === undefined) {
      transport.abandon(this.#lastId);
      return { kind: "timeout", error: silence(method) };
    }
    if ("error" in answer) return failureEvent(answer.error, step.over, answer.status);
    return this.#read(step, answer.result, answer.sessionId);
  }

  /** Brings the transport that the step goes over. */
  async #prepare({ over, freshConnection }: DiscoverStep | InitializeStep): Promise<void> {
    if (this.#transport !== undefined && this.#carrier === over && !freshConnection) return;
    await this.discard();
    const transport = await this.#parts.makeTransport(over);
    // What one that was given up still tells goes nowhere.
    const relay = new EventRelay(this.#parts.logger);
    this.#transport = transport;
    this.#carrier = over;
    this.#relay = relay;
    await this.#limit.bound(
      transport.open({
        onMessage: (message) => this.#other(message, transport, relay),
        onClose: (error) => relay.onClose(error),
        onServerStream: (state, error) => relay.onServerStream(state, error),
      }),
    );
  }

  #send(step: DiscoverStep | InitializeStep): {
    readonly method: string;
    readonly reply: Promise<Reply>;
    readonly transport: ClientTransport;
  } {
    const { info, capabilities } = this.#parts;
    const { revision } = step;
    const transport = this.#transport as ClientTransport;
    const relay = this.#relay as EventRelay;
    const id = ++this.#lastId;
    const meta = createMetaEncoder(info, capabilities, revision);
    const isModern = step.kind === "discover";
    const method = isModern ? "server/discover" : "initialize";
    const params = isModern ? {} : initializeParams(revision, info, capabilities);
    transport.bind?.(isModern ? bindingFor(revision, undefined) : UNBOUND);
    const text = encodeRequest(id, method, params, meta, NOTHING_OWN);
    const headers = isModern ? [HEADER_METHOD, method] : NO_HEADERS;
    const reply = ask(transport, { id, method, text, headers }, (message) =>
      this.#other(message, transport, relay),
    );
    return { method, reply, transport };
  }

  #read(
    step: DiscoverStep | InitializeStep,
    result: JsonObject,
    sessionId: string | undefined,
  ): NegotiationEvent {
    const isModern = step.kind === "discover";
    const claims = isModern ? readDiscovery(result) : readInitialization(result);
    if (typeof claims === "string") return unusable(step, claims);
    this.#claims = claims;
    if (isModern) return { kind: "discovered", supportedVersions: claims.versions };
    this.#sessionId = sessionId;
    this.#bind(step.revision);
    return { kind: "initialized", protocolVersion: claims.versions[0] as string };
  }

  /** What the requests of a legacy connection carry from now on. */
  #bind(revision: LegacyRevision): void {
    this.#transport?.bind?.(bindingFor(revision, this.#sessionId));
  }

  /** A message of the server's own. A legacy one may ask whether the client is alive before all else. */
  #other(message: unknown, transport: ClientTransport, relay: EventRelay): void {
    if (!relay.attached && isPing(message)) {
      const { id } = message;
      const text = JSON.stringify({ jsonrpc: "2.0", id, result: {} });
      // One that could not be answered says so by its silence.
      transport.post(text, NO_HEADERS).catch(() => {});
    } else relay.onMessage(message);
  }

  /** Where silence is an answer to go on from, time must be left for what follows. */
  #stepTimeoutMs({ step, setup, believing, reused, refreshed }: Negotiation): number {
    const { protocol, carrier } = setup;
    if (carrier === "http" || (step.kind === "discover" && protocol !== "auto")) return UNLIMITED;
    const halfMs = this.#limit.leftMs() / 2;
    if (step.kind === "discover") return Math.min(PROBE_TIMEOUT_MS, halfMs);
    const isLast = carrier !== "stdio" || (!believing && (!reused || refreshed));
    return isLast ? UNLIMITED : halfMs;
  }
}

function initializeParams(
  protocolVersion: string,
  clientInfo: Implementation,
  capabilities: ClientCapabilities,
): JsonObject {
  return { protocolVersion, capabilities, clientInfo } as unknown as JsonObject;
}

function isPing(message: unknown): message is { readonly id: string | number } {
  return isJsonObject(message) && message["method"] === "ping" && message["id"] !== undefined;
}

function silence(method: string): MCPClientError {
  return new MCPClientError("timeout", `${method}: the server does not answer`);
}
