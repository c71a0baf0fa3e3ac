import {
  type AuthorizationDecision,
  type CacheHint,
  type ClientCapabilities,
  type ClientDescription,
  type DeadlineEntry,
  type ElicitAsk,
  type ElicitContent,
  type ElicitResult,
  type Implementation,
  type InputContext,
  type JsonRpcRequest,
  type JsonValue,
  type ListNode,
  type LogLevel,
  type MCPError,
  type Principal,
  type ProgressReport,
  type ProgressToken,
  type ProtectedPrimitive,
  passesLogLevel,
  type RequestClaims,
  type RequestId,
  type Revision,
  type Root,
  type SampleParams,
  type SampleResult,
  type TransportInfo,
  type WireCodec,
} from "@backplane/protocol";
import { HandlerTransport } from "./handler-transport.ts";
import type { InputRound } from "./input-round.ts";
import { uniqueId } from "./internal/unique-id.ts";
import type { AnswerText } from "./large-text.ts";
import { notificationText } from "./notification-text.ts";
import type { Outlet } from "./outlet.ts";

/** The state that a legacy client keeps at the server: over HTTP in the session store, else with its connection. */
export interface PeerSession {
  setLogLevel(level: LogLevel): Promise<void>;
  /** @returns false when the session has `maxSubscriptions` already. */
  setSubscription(uri: string, subscribed: boolean): Promise<boolean>;
}

/** Who sends a request and how it is served: the same for all requests of a legacy session. */
export interface Peer {
  readonly codec: WireCodec;
  readonly principal: Principal | undefined;
  /** `principalKey(principal)`, computed once. */
  readonly principalKey: string;
  readonly clientInfo: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
  readonly sessionId: string | undefined;
  readonly transport: TransportInfo;
  /** Undefined in the modern era and for stateless legacy requests. */
  readonly session: PeerSession | undefined;
  /** The least severe log message that the client wants; undefined for none. */
  logLevel: LogLevel | undefined;
}

/** What a call needs of the server that runs it. */
export interface CallHost {
  readonly serverId: string;
  /** Headers that no handler sees, by lower-case name. */
  readonly credentialHeaders: ReadonlySet<string>;
  openInputRound(call: Call): InputRound;
  /** Progress was reported: the idle deadline starts again. */
  touchDeadline(call: Call): void;
  callDeadline(call: Call, which: "idle" | "total", limitMs: number): void;
}

const NO_META: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * One request from arrival to answer, and the context that its handler sees. A single object, so that
 * a plain call allocates once; what a call does not touch (signal, input round) is never made.
 */
export class Call implements InputContext, DeadlineEntry, ListNode<Call> {
  static {
    // Where Node's `inspect` looks: a handler that prints its context must not print the credential.
    const inspect = Symbol.for("nodejs.util.inspect.custom");
    Object.defineProperty(Call.prototype, inspect, {
      value(this: Call) {
        return this.toJSON();
      },
    });
  }

  readonly requestId: RequestId;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly peer: Peer;
  readonly outlet: Outlet;
  readonly progressToken: ProgressToken | undefined;
  readonly host: CallHost;
  /** True once the outlet was told the end; nothing is sent after that. */
  settled = false;

  /** What `resolve` found: the tool, prompt or resource. */
  target: unknown = undefined;
  /** What is registered under the name asked for, whether or not the caller may know of it. */
  primitive: ProtectedPrimitive | undefined = undefined;
  /** What the policy decided about it. */
  decision: AuthorizationDecision["effect"] | undefined = undefined;
  /** When dispatch began, if anyone listens on the channels. */
  observedAtMs: number | undefined = undefined;
  /** Whether the called tool declares an object as output; for the codec. */
  objectOutput: boolean | undefined = undefined;
  /** What the tool or resource itself says of keeping its result. */
  cacheHint: Partial<CacheHint> | undefined = undefined;

  /** Whether the round's questions have been made into its result. */
  roundEnded = false;
  /** Reasons for which its deadlines stand still now. */
  pauses = 0;

  // Set while the call waits for its handler (see dispatch.ts and deadlines.ts).
  idleMs = 0;
  totalMs = 0;
  startedAtMs = 0;
  wheelTouchedAtMs = 0;
  wheelSlot = -1;
  wheelNext: DeadlineEntry | undefined = undefined;
  wheelPrevious: DeadlineEntry | undefined = undefined;
  // The fields of the dispatcher's list of what runs.
  listNext: Call | undefined = undefined;
  listPrevious: Call | undefined = undefined;
  listed = false;

  #controller: AbortController | undefined = undefined;
  #transport: TransportInfo | undefined = undefined;
  #correlationId: string | undefined = undefined;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #round: InputRound | undefined = undefined;

  constructor(
    host: CallHost,
    request: JsonRpcRequest,
    claims: RequestClaims,
    peer: Peer,
    outlet: Outlet,
  ) {
    this.host = host;
    this.requestId = request.id;
    this.method = request.method;
    this.params = request.params ?? NO_META;
    this.progressToken = claims.progressToken;
    this.peer = peer;
    this.outlet = outlet;
  }

  get serverId(): string {
    return this.host.serverId;
  }

  get correlationId(): string {
    this.#correlationId ??= uniqueId();
    return this.#correlationId;
  }

  get era(): "modern" | "legacy" {
    return this.peer.codec.era;
  }

  get revision(): Revision {
    return this.peer.codec.revision;
  }

  get principal(): Principal | undefined {
    return this.peer.principal;
  }

  get client(): ClientDescription {
    return { info: this.peer.clientInfo, capabilities: this.peer.capabilities };
  }

  get sessionId(): string | undefined {
    return this.peer.sessionId;
  }

  get transport(): TransportInfo {
    const { principal, transport } = this.peer;
    if (principal === undefined) return transport;
    this.#transport ??= new HandlerTransport(transport, this.host.credentialHeaders);
    return this.#transport;
  }

  get meta(): Readonly<Record<string, unknown>> {
    return (this.params._meta as Record<string, unknown> | undefined) ?? NO_META;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.settled) this.#controller.abort(abortReason("the call has ended"));
      else this.outlet.onDisconnect?.(() => this.disconnect());
    }
    return this.#controller.signal;
  }

  get asked(): boolean {
    return this.#round !== undefined;
  }

  /** What a log may hold of it: nothing that came with the request but its name. */
  toJSON(): object {
    const { serverId, requestId, method, era, revision, principal } = this;
    return { serverId, requestId, method, era, revision, principal: principal?.id };
  }

  progress(report: ProgressReport | number): void {
    if (this.settled) return;
    this.host.touchDeadline(this);
    const full = typeof report === "number" ? { progress: report } : report;
    if (this.progressToken === undefined || !(full.progress > this.#lastProgress)) return;
    if (!Number.isFinite(full.progress)) return;
    this.#lastProgress = full.progress;
    this.#notify("notifications/progress", {
      progressToken: this.progressToken,
      progress: full.progress,
      ...(full.total !== undefined && { total: full.total }),
      ...(full.message !== undefined && { message: full.message }),
    });
  }

  log(level: LogLevel, data: unknown, logger?: string): void {
    const threshold = this.peer.logLevel;
    if (this.settled || threshold === undefined || !passesLogLevel(level, threshold)) return;
    this.#notify("notifications/message", {
      level,
      ...(logger !== undefined && { logger }),
      // `data` is required on the wire, and JSON has no undefined.
      data: data ?? null,
    });
  }

  elicit<const Ask extends ElicitAsk>(
    key: string,
    ask: Ask,
  ): Promise<ElicitResult<ElicitContent<Ask>>> {
    return this.#inputs().elicit(key, ask) as Promise<ElicitResult<ElicitContent<Ask>>>;
  }

  async elicitAll<const Asks extends Readonly<Record<string, ElicitAsk>>>(
    asks: Asks,
  ): Promise<{ [Key in keyof Asks]: ElicitResult<ElicitContent<Asks[Key]>> }> {
    // All are asked in one tick, which makes them one round.
    const entries = await Promise.all(
      Object.entries(asks).map(async ([key, ask]) => [key, await this.elicit(key, ask)] as const),
    );
    return Object.fromEntries(entries) as {
      [Key in keyof Asks]: ElicitResult<ElicitContent<Asks[Key]>>;
    };
  }

  sample(key: string, params: SampleParams): Promise<SampleResult> {
    return this.#inputs().sample(key, params);
  }

  roots(key: string): Promise<readonly Root[]> {
    return this.#inputs().roots(key);
  }

  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value> {
    return this.#inputs().once(key, fn);
  }

  releaseConnection(retryMs?: number): boolean {
    return !this.settled && (this.outlet.release?.(retryMs) ?? false);
  }

  /** The round of asks, if the handler asked or the request carries answers. */
  get inputRound(): InputRound | undefined {
    return this.#round;
  }

  set inputRound(round: InputRound) {
    this.#round = round;
  }

  /** Fires the signal, if anyone ever looked at it. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** The client is gone and that cancels: nothing is answered. */
  disconnect(): void {
    this.cancel("the client disconnected");
  }

  /** Ends the call without an answer. */
  cancel(reason: string): void {
    if (this.settled) return;
    this.settled = true;
    this.outlet.abandon();
    this.abort(abortReason(reason));
  }

  /** Ends the call with its response. */
  finish(text: AnswerText, error: MCPError | undefined): void {
    if (this.settled) return;
    this.settled = true;
    // First, so that what is taken back is said before the answer, which may end the stream.
    this.#round?.end(error ?? abortReason("the call has ended"));
    this.outlet.finish(text, error);
  }

  onDeadline(which: "idle" | "total", limitMs: number): void {
    this.host.callDeadline(this, which, limitMs);
  }

  #inputs(): InputRound {
    this.#round ??= this.host.openInputRound(this);
    return this.#round;
  }

  #notify(method: string, params: object): void {
    this.outlet.notify(notificationText(method, params));
  }
}

/** A `DOMException` named AbortError: what `fetch`, timers and streams expect a signal to carry. */
export function abortReason(message: string): DOMException {
  return new DOMException(message, "AbortError");
}
