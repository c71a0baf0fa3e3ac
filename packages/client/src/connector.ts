import {
  type ClientCapabilities,
  type Clock,
  HEADER_METHOD,
  type Implementation,
  isAtLeast,
  isJsonObject,
  type JsonObject,
  type JsonRpcErrorObject,
  type Logger,
  MCPError,
  META_SERVER_INFO,
  messageKind,
  type Revision,
  type ServerCapabilities,
} from "@backplane/protocol";
import { asVerdict, type EraCache } from "./era-cache.ts";
import { MCPClientError } from "./errors.ts";
import { advance, beginNegotiation } from "./negotiation/negotiate.ts";
import type {
  Carrier,
  DiscoverStep,
  InitializeStep,
  NegotiationEvent,
  NegotiationSetup,
} from "./negotiation/types.ts";
import type { Agreement, ServerDescription } from "./server-description.ts";
import type { ClientTransport, TransportEvents } from "./transport.ts";
import { createMetaEncoder, encodeNotification, encodeRequest, type MetaEncoder } from "./wire.ts";

/** `MCP-Protocol-Version` exists since then (2025-06-18, basic/transports). */
const FIRST_WITH_VERSION_HEADER: Revision = "2025-06-18";
/** Streams can be resumed since then (2025-03-26, basic/transports). */
const FIRST_RESUMABLE: Revision = "2025-03-26";

/**
 * How long a local server may leave `server/discover` unanswered before it counts as legacy, in milliseconds
 * (spec: basic/transports/stdio): some of them answer nothing before `initialize`.
 */
const PROBE_MS = 5_000;

const NOTHING_OWN = { meta: undefined, wantsProgress: false, logLevel: undefined };
const NO_HEADERS: readonly string[] = [];

/** What opening a connection needs. */
export interface ConnectorParts {
  readonly info: Implementation;
  readonly capabilities: ClientCapabilities;
  readonly protocol: NegotiationSetup["protocol"];
  readonly carrier: NegotiationSetup["carrier"];
  /** A transport that nobody has opened yet. Called again for a new process or another carrier. */
  makeTransport(carrier: Carrier): ClientTransport | Promise<ClientTransport>;
  /** What the established connection's transport reports to. */
  readonly events: TransportEvents;
  readonly eraCache: EraCache;
  /** The server's name in the cache; undefined where nothing is remembered. */
  readonly eraKey: string | undefined;
  /** Longest time for everything, in milliseconds; `Infinity` for none. */
  readonly connectTimeoutMs: number;
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
}

/**
 * Opens a connection and settles the era, as `negotiate` says step by step. What is given up on the way, a
 * process or a socket, is closed before this settles.
 * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
 */
export function connect(parts: ConnectorParts): Promise<Connected> {
  return new Connection(parts).establish();
}

/** What one answered step tells beside the event. */
interface Answer {
  readonly event: NegotiationEvent;
  readonly server?: ServerDescription;
  readonly sessionId?: string | undefined;
}

class Connection {
  readonly #parts: ConnectorParts;
  readonly #deadlineAtMs: number;
  #transport: ClientTransport | undefined;
  #carrier: Carrier | undefined;
  #server: ServerDescription | undefined;
  #sessionId: string | undefined;
  #lastId = 0;
  #established = false;

  constructor(parts: ConnectorParts) {
    this.#parts = parts;
    this.#deadlineAtMs = performance.now() + parts.connectTimeoutMs;
  }

  async establish(): Promise<Connected> {
    try {
      const connected = await this.#negotiate();
      this.#established = true;
      return connected;
    } catch (error) {
      await this.#discard();
      throw error;
    }
  }

  async #negotiate(): Promise<Connected> {
    const { carrier, protocol, info, capabilities } = this.#parts;
    const verdict = await this.#remembered();
    let negotiation = beginNegotiation({ carrier, protocol, verdict });
    for (;;) {
      const { step } = negotiation;
      if (step.kind === "failed") {
        if (verdict !== undefined) await this.#forget();
        throw step.error;
      }
      if (step.kind === "settled") {
        const { era, revision } = step;
        const meta = createMetaEncoder(info, capabilities, revision);
        if (era === "modern") this.#bind(revision, undefined, false);
        else await this.#initialized(revision, meta);
        await this.#remember(step);
        return {
          transport: this.#transport as ClientTransport,
          agreement: { era, revision },
          server: this.#server as ServerDescription,
          meta,
          lastId: this.#lastId,
        };
      }
      const answer = await this.#take(step);
      this.#server = answer.server ?? this.#server;
      this.#sessionId = answer.sessionId;
      negotiation = advance(negotiation, answer.event);
    }
  }

  async #take(step: DiscoverStep | InitializeStep): Promise<Answer> {
    try {
      await this.#ready(step);
    } catch (thrown) {
      return { event: eventOf(asFailure(thrown), undefined, step.over) };
    }
    return step.kind === "discover" ? this.#discover(step) : this.#initialize(step);
  }

  /** Brings the transport that the step goes over. */
  async #ready(step: DiscoverStep | InitializeStep): Promise<void> {
    if (this.#transport !== undefined && this.#carrier === step.over && !step.freshConnection)
      return;
    await this.#discard();
    const transport = await this.#parts.makeTransport(step.over);
    this.#transport = transport;
    this.#carrier = step.over;
    // What a given-up transport still says is nobody's business.
    const events = this.#eventsFor(transport);
    await this.#inTime(transport.open(events));
  }

  #eventsFor(transport: ClientTransport): TransportEvents {
    const { events } = this.#parts;
    const counts = (): boolean => transport === this.#transport;
    return {
      onMessage: (message) => {
        if (counts()) events.onMessage(message);
      },
      onClose: (error) => {
        if (counts() && this.#established) events.onClose(error);
      },
      onServerStream: (state, error) => {
        if (counts()) events.onServerStream?.(state, error);
      },
    };
  }

  async #discover({ revision, over }: DiscoverStep): Promise<Answer> {
    const { info, capabilities } = this.#parts;
    this.#bind(revision, undefined, false);
    const meta = createMetaEncoder(info, capabilities, revision);
    const id = ++this.#lastId;
    const text = encodeRequest(id, "server/discover", {}, meta, NOTHING_OWN);
    const headers = [HEADER_METHOD, "server/discover"];
    const limitMs = over === "http" || this.#parts.protocol !== "auto" ? undefined : PROBE_MS;
    const reply = await this.#ask(id, "server/discover", text, headers, limitMs);
    if ("error" in reply) return { event: eventOf(reply.error, reply.status, over) };
    const { supportedVersions } = reply.result;
    if (!isStrings(supportedVersions)) {
      return { event: unusable("server/discover", "supportedVersions is no array of strings") };
    }
    return {
      event: { kind: "discovered", supportedVersions },
      server: describe(
        reply.result,
        (reply.result._meta as JsonObject | undefined)?.[META_SERVER_INFO],
      ),
    };
  }

  async #initialize({ revision, over }: InitializeStep): Promise<Answer> {
    const { info, capabilities } = this.#parts;
    this.#bind(undefined, undefined, false);
    const meta = createMetaEncoder(info, capabilities, revision);
    const id = ++this.#lastId;
    const params = {
      protocolVersion: revision,
      capabilities: capabilities as JsonObject,
      clientInfo: info as unknown as JsonObject,
    };
    const text = encodeRequest(id, "initialize", params, meta, NOTHING_OWN);
    const reply = await this.#ask(id, "initialize", text, NO_HEADERS);
    if ("error" in reply) return { event: eventOf(reply.error, reply.status, over) };
    const { protocolVersion, serverInfo } = reply.result;
    if (typeof protocolVersion !== "string") {
      return { event: unusable("initialize", "protocolVersion is no string") };
    }
    return {
      event: { kind: "initialized", protocolVersion },
      server: describe(reply.result, serverInfo),
      sessionId: reply.sessionId,
    };
  }

  /** Ends the handshake (2025-11-25, basic/lifecycle). */
  async #initialized(revision: Revision, meta: MetaEncoder): Promise<void> {
    const version = isAtLeast(revision, FIRST_WITH_VERSION_HEADER) ? revision : undefined;
    this.#bind(version, this.#sessionId, isAtLeast(revision, FIRST_RESUMABLE));
    const transport = this.#transport as ClientTransport;
    const text = encodeNotification("notifications/initialized", undefined, meta);
    await this.#inTime(transport.post(text, NO_HEADERS));
  }

  #bind(
    protocolVersion: string | undefined,
    sessionId: string | undefined,
    resumable: boolean,
  ): void {
    this.#transport?.bind?.({ protocolVersion, sessionId, resumable });
  }

  /** Sends one request of the handshake. Never rejects. */
  #ask(
    id: number,
    method: string,
    text: string,
    headers: readonly string[],
    limitMs: number = Number.POSITIVE_INFINITY,
  ): Promise<Reply> {
    const transport = this.#transport as ClientTransport;
    return new Promise((resolve) => {
      let status: number | undefined;
      let retryAfterMs: number | undefined;
      let sessionId: string | undefined;
      let cancelTimer: (() => void) | undefined;
      const settle = (reply: Reply): void => {
        cancelTimer?.();
        resolve(reply);
      };
      const leftMs = Math.min(limitMs, this.#leftMs());
      if (leftMs !== Number.POSITIVE_INFINITY) {
        cancelTimer = this.#parts.clock.after(leftMs, () => {
          transport.abandon(id);
          settle({ error: this.#timeout(method), status: undefined });
        });
      }
      transport.request(
        { id, method, text, headers },
        {
          onSession: (given) => {
            sessionId = given;
          },
          onStatus: (given, afterMs) => {
            status = given;
            retryAfterMs = afterMs;
          },
          onFailure: (error) => settle({ error, status: error.status }),
          onMessage: (message) => {
            const kind = messageKind(message);
            if (kind === "request" || kind === "notification") return;
            const {
              id: answered,
              result,
              error,
            } = message as {
              id?: unknown;
              result: JsonObject;
              error?: JsonRpcErrorObject;
            };
            if (kind === "result" && answered === id) settle({ result, sessionId });
            else if (kind === "failure" && error !== undefined) {
              const { code, message: say, data } = error;
              const told = new MCPError(code, say, {
                data,
                ...(retryAfterMs !== undefined && { retryAfterMs }),
              });
              settle({ error: told, status });
            } else {
              transport.abandon(id);
              const what = `${method}: the answer is no response to this request`;
              settle({ error: new MCPClientError("invalid_response", what), status });
            }
          },
        },
      );
    });
  }

  #leftMs(): number {
    return Math.max(0, this.#deadlineAtMs - performance.now());
  }

  #timeout(what: string): MCPClientError {
    const limitMs = this.#parts.connectTimeoutMs;
    return new MCPClientError("timeout", `${what}: connectTimeoutMs (${limitMs} ms) ran out`, {
      retry: "always",
      details: { deadline: "connect", limitMs },
    });
  }

  async #inTime<Value>(work: Promise<Value>): Promise<Value> {
    const leftMs = this.#leftMs();
    if (leftMs === Number.POSITIVE_INFINITY) return work;
    let cancelTimer: (() => void) | undefined;
    const timeout = new Promise<never>((_, reject) => {
      cancelTimer = this.#parts.clock.after(leftMs, () => reject(this.#timeout("connecting")));
    });
    try {
      return await Promise.race([work, timeout]);
    } finally {
      cancelTimer?.();
    }
  }

  async #discard(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    this.#carrier = undefined;
    await transport?.close();
  }

  async #remembered(): Promise<ReturnType<typeof asVerdict>> {
    const { eraCache, eraKey } = this.#parts;
    if (eraKey === undefined) return undefined;
    return asVerdict(await this.#cached(() => eraCache.get(eraKey)));
  }

  async #remember({ era, revision, over }: Agreement & { readonly over: Carrier }): Promise<void> {
    const { eraCache, eraKey, clock } = this.#parts;
    if (eraKey === undefined || over === "in-memory") return;
    await this.#cached(() =>
      eraCache.set(eraKey, { era, revision, transport: over, at: clock.now() }),
    );
  }

  async #forget(): Promise<void> {
    const { eraCache, eraKey } = this.#parts;
    if (eraKey !== undefined) await this.#cached(() => eraCache.delete(eraKey));
  }

  /** A cache that fails costs a probe, not the connection. */
  async #cached<Value>(use: () => Value | Promise<Value>): Promise<Value | undefined> {
    try {
      return await use();
    } catch (error) {
      this.#parts.logger.warn({ err: error }, "the era cache failed; the server is asked instead");
      return undefined;
    }
  }
}

type Reply =
  | { readonly result: JsonObject; readonly sessionId: string | undefined }
  | { readonly error: MCPError | MCPClientError; readonly status: number | undefined };

/** What a failure is to the negotiation. */
function eventOf(
  error: MCPError | MCPClientError,
  status: number | undefined,
  over: Carrier,
): NegotiationEvent {
  if (MCPError.isInstance(error)) return { kind: "error", error, status };
  switch (error.code) {
    case "timeout":
      return { kind: "timeout", error };
    case "connection_lost":
      return { kind: "closed", error };
    case "invalid_response":
    case "response_too_large":
      return { kind: "unusable", error };
    case "http_status":
    case "session_lost":
      return { kind: "http-failure", error };
    case "connection_failed":
      // Over HTTP nobody was reached; a process that cannot be started is none that could be restarted.
      return over === "http" || over === "sse"
        ? { kind: "closed", error }
        : { kind: "fatal", error };
    default:
      return { kind: "fatal", error };
  }
}

function unusable(method: string, problem: string): NegotiationEvent {
  const text = `${method}: the server's result is invalid: ${problem}`;
  return { kind: "unusable", error: new MCPClientError("invalid_response", text) };
}

function asFailure(error: unknown): MCPError | MCPClientError {
  if (MCPClientError.isInstance(error) || MCPError.isInstance(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new MCPClientError("connection_failed", text, { cause: error, retry: "never" });
}

/** What a server says of itself; anything that is not what the protocol describes counts as not said. */
function describe(result: JsonObject, info: unknown): ServerDescription {
  const { capabilities, instructions, ttlMs, cacheScope } = result;
  const known = isJsonObject(info) && typeof info.name === "string";
  const hinted =
    typeof ttlMs === "number" &&
    ttlMs >= 0 &&
    (cacheScope === "public" || cacheScope === "private");
  return {
    info: known ? (info as unknown as Implementation) : undefined,
    capabilities: isJsonObject(capabilities) ? (capabilities as ServerCapabilities) : {},
    instructions: typeof instructions === "string" ? instructions : undefined,
    hint: hinted ? { ttlMs, cacheScope } : undefined,
  };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
