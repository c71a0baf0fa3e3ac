import type { JsonValue } from "./json.ts";
import type { RequestId } from "./json-rpc.ts";
import type { Principal } from "./principal.ts";
import type { Era, Revision } from "./revisions.ts";
import type { StandardSchemaV1 } from "./schema/standard-schema.ts";
import type { ElicitResult, Root, SampleParams, SampleResult } from "./types/interaction.ts";
import type { ClientCapabilities, Implementation, LogLevel } from "./types/peers.ts";
import type { JsonSchema } from "./types/primitives.ts";

/** The client of one request, as it describes itself. */
export interface ClientDescription {
  readonly info: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
}

/** What the transport knows of a request; empty over stdio and in memory. */
export interface TransportInfo {
  readonly kind: "http" | "stdio" | "in-memory";
  /**
   * A header's value by lower-case name. To handlers and interceptors of a server with `auth`, the headers
   * that hold the client's credential are undefined: it must not be passed on to another service (spec:
   * basic/authorization, token passthrough).
   */
  header(name: string): string | undefined;
  /** Of the client: of the peer, or what a proxy that the server trusts says (its option `trustProxy`). */
  readonly remoteAddress: string | undefined;
}

/** Progress of a running request. `progress` must grow with each report (spec: patterns/progress). */
export interface ProgressReport {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** What every handler and interceptor knows about the request it serves. */
export interface RequestContext {
  /** The server object that serves this request; the same id stands in every channel payload. */
  readonly serverId: string;
  readonly requestId: RequestId;
  /**
   * Names this request in logs, events and audit, and in the answer when its error is masked: a UUID, made on
   * first use. The request id is the client's and not unique.
   */
  readonly correlationId: string;
  readonly method: string;
  readonly era: Era;
  readonly revision: Revision;
  /** Who is calling, or undefined without an authenticator. */
  readonly principal: Principal | undefined;
  readonly client: ClientDescription;
  /** The legacy session's id; undefined in the modern era and over stdio. */
  readonly sessionId: string | undefined;
  /** The request's `_meta`, as sent. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly transport: TransportInfo;
  /**
   * Fires when the result is no longer wanted. Modern: disconnect (stdio: `notifications/cancelled`),
   * deadline, shutdown. Legacy: `notifications/cancelled`, session end, deadline, shutdown; a legacy
   * disconnect never aborts. Made on first use: a handler that ignores it costs nothing. A listener must
   * not throw: the runtime reports that as an uncaught exception, which ends a Node process.
   */
  readonly signal: AbortSignal;
  /**
   * Whether the handler has asked its client for something so far (`elicit`, `sample`, `roots`): then the
   * result depends on more than its arguments and its caller.
   */
  readonly asked: boolean;
  /**
   * Reports progress on this request's stream, and resets its idle deadline. Nothing is sent unless
   * the client gave a progress token; a report that does not grow is dropped.
   */
  progress(report: ProgressReport | number): void;
  /**
   * Sends a log message to the client: in the modern era only if this request carries a log level, in
   * the legacy era by the session's level. Never put credentials or internals in it.
   */
  log(level: LogLevel, data: unknown, logger?: string): void;
}

/**
 * A form: a flat object of strings, numbers, booleans and enums, with optional defaults (spec:
 * client/elicitation). Never for secrets: what the user types passes through the client. Make the schema
 * once, outside of the handler: it is compiled once for each schema object.
 */
export interface ElicitFormAsk<Schema extends StandardSchemaV1 | JsonSchema = JsonSchema> {
  /** Why the user is asked. */
  readonly message: string;
  /**
   * A Standard Schema, whose parsed output is the accepted content, or raw JSON Schema. What the client
   * cannot be shown (nested objects, `multipleOf`, formats but email, uri, date and date-time) is a
   * `TypeError` that names the property.
   */
  readonly schema: Schema;
}

/**
 * A page the user is asked to open: the only way to ask for a secret (spec: client/elicitation). Acceptance
 * is consent to open it; what happened there, only its host knows. Its URL:
 * Must hold no sensitive data and must not be authenticated in advance, because the client shows and may
 * log it.
 *
 * What no library can do for the host: the page must verify that the user who opens it is the user who
 * started the request, by an identity from MCP authorization (`ctx.principal`) rather than by anything
 * in the URL, and must protect what it stores. It does not log the user in to this server, which is MCP
 * authorization's part. A third-party credential obtained there stays with the server, bound to the
 * principal, and is never handed to the client; the client's own credentials are never used for a
 * third-party service.
 */
export interface ElicitUrlAsk {
  /** Why the user is asked to open the page. */
  readonly message: string;
  /**
   * `https:`, or `http:` on loopback, without credentials. The same on every run of the handler, so a
   * random part belongs inside `ctx.once`.
   */
  readonly url: string;
}

/** What `ctx.elicit` asks: a form to fill in, or a page to open. */
export type ElicitAsk = ElicitFormAsk<StandardSchemaV1 | JsonSchema> | ElicitUrlAsk;

/** The content that an accepted answer to `Ask` holds. */
export type ElicitContent<Ask> = Ask extends { readonly schema: infer Schema }
  ? Schema extends StandardSchemaV1
    ? StandardSchemaV1.InferOutput<Schema>
    : Record<string, unknown>
  : Record<string, unknown>;

/**
 * The context of `tools/call`, `prompts/get` and `resources/read`, the three requests that may ask
 * the client for something. Written once, served in both eras.
 *
 * In the modern era an unanswered ask ends the round: the client answers and sends the request again,
 * the handler runs again from the top, and answered asks return at once. So: keys are unique and
 * the same on every run, nothing with side effects runs before the last ask unless it is idempotent or
 * inside `once`, and a handler must not assume that the retry comes or reaches the same process. Asks of
 * one tick form one round; a promise started beside others belongs under `Promise.all`, because a round
 * ends by rejecting each of them. Bounds: 64 asks a round, 16 rounds, 16 KiB of answers and memos.
 */
export interface InputContext extends RequestContext {
  /**
   * Asks the user. Resolves with `accept`, `decline` or `cancel`. The accepted content fits the schema: a
   * modern client that sends other content is asked again.
   * @param key 1 to 128 characters, unique among the asks of this request.
   * @throws {MCPError} −32021 when this client cannot be asked so. Legacy: −32602 for an unusable answer,
   * −1504 after `deadlines.inputMs`, or the client's own error.
   * @throws {TypeError} for a form or URL that must not be asked, or a key that two different asks have.
   */
  elicit<const Ask extends ElicitAsk>(
    key: string,
    ask: Ask,
  ): Promise<ElicitResult<ElicitContent<Ask>>>;
  /** Asks independent questions together, at the cost of one round trip. */
  elicitAll<const Asks extends Readonly<Record<string, ElicitAsk>>>(
    asks: Asks,
  ): Promise<{ [Key in keyof Asks]: ElicitResult<ElicitContent<Asks[Key]>> }>;
  /**
   * Asks the client's model. Deprecated by the 2026-07-28 revision, still served.
   * @throws {MCPError} −32021 when the client declares no `sampling`, or not the part of it that is used.
   * @throws {TypeError} when a tool use is not answered by tool results alone in the next user message.
   */
  sample(key: string, params: SampleParams): Promise<SampleResult>;
  /** Asks for the client's roots. Deprecated by the 2026-07-28 revision, still served. */
  roots(key: string): Promise<readonly Root[]>;
  /**
   * Runs `fn` at most once over the rounds of one modern request and returns its JSON result again on
   * the next run. The memo survives only if a later ask ends the round, and rides with the client:
   * exactly-once needs a store.
   */
  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value>;
  /**
   * Ends the HTTP connection while the call goes on; the client comes back after `retryMs` with
   * `Last-Event-ID` (SEP-1699). Answers false, and does nothing, where that cannot be: other revisions
   * than 2025-11-25, other transports, or a call without a stream.
   */
  releaseConnection(retryMs?: number): boolean;
}
