import {
  classifyMessage,
  codecFor,
  exceedsJsonDepth,
  HEADER_METHOD,
  HEADER_NAME,
  HEADER_PROTOCOL_VERSION,
  hasModernClaim,
  headerMatches,
  headerMismatch,
  internalError,
  invalidRequest,
  isJsonObject,
  type JsonRpcRequest,
  MCPError,
  type ModernRevision,
  parseError,
  salvageId,
} from "@backplane/protocol";
import { Call } from "../call.ts";
import { type Caller, modernPeer } from "../caller.ts";
import type { Dispatcher } from "../dispatch.ts";
import { isPromise } from "../internal/is-promise.ts";
import { legacyRefused } from "../lifecycle.ts";
import { limitHit } from "../limit-hit.ts";
import { noBatches, tooDeep, tooLarge } from "../message-refusals.ts";
import type { ResolvedOptions, ServerLimits } from "../options.ts";
import { encodeFailure } from "../response-encoder.ts";
import type { Admission } from "./admission.ts";
import type { HttpExchange } from "./exchange.ts";
import { pathOf } from "./path-of.ts";
import { ModernOutlet } from "./post-outlet.ts";
import type { PublicDocuments } from "./public-documents.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { valueExceedsDepth } from "./value-depth.ts";

/** Serves what is not modern: sessions, GET, DELETE. Absent on a server without legacy revisions. */
export interface LegacyLeg {
  post(exchange: HttpExchange, caller: Caller, message: unknown): void;
  postBatch(exchange: HttpExchange, caller: Caller, messages: readonly unknown[]): void;
  get(exchange: HttpExchange, caller: Caller): void;
  delete(exchange: HttpExchange, caller: Caller): void;
}

/** The MCP endpoint over any HTTP: guards, identity, classification, the modern ladder (spec: basic/versioning). */
export class HttpEndpoint {
  readonly limits: ServerLimits;
  /** Undefined when forwarded headers are nobody's. */
  readonly proxies: TrustedProxies | undefined;
  readonly #options: ResolvedOptions;
  readonly #dispatcher: Dispatcher;
  readonly #legacy: LegacyLeg | undefined;
  readonly #admission: Admission;
  readonly #documents: PublicDocuments;

  constructor(
    options: ResolvedOptions,
    admission: Admission,
    dispatcher: Dispatcher,
    legacy: LegacyLeg | undefined,
    documents: PublicDocuments,
  ) {
    this.limits = options.limits;
    this.proxies = options.trustProxy;
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#legacy = legacy;
    this.#admission = admission;
    this.#documents = documents;
  }

  /** Guards and identity, before a body is read. When the answer is false, the refusal has been sent. */
  admit(exchange: HttpExchange): boolean | Promise<boolean> {
    return this.#admission.admit(exchange);
  }

  /** A POST whose body is text. */
  postText(exchange: HttpExchange, text: string): void {
    if (!this.#admitsType(exchange)) return;
    if (exceedsJsonDepth(text, this.limits.maxJsonDepth)) {
      this.#refuseTooDeep(exchange);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#refuse(exchange, 400, parseError());
      return;
    }
    this.#post(exchange, value);
  }

  /** A POST whose body a framework has parsed; its size was that parser's to bound. */
  postValue(exchange: HttpExchange, value: unknown): void {
    if (!this.#admitsType(exchange)) return;
    if (valueExceedsDepth(value, this.limits.maxJsonDepth)) this.#refuseTooDeep(exchange);
    else this.#post(exchange, value);
  }

  /** Every method but POST. */
  other(exchange: HttpExchange): void {
    if (this.#documents.serve(exchange)) return;
    if (exchange.method === "OPTIONS") {
      this.#admission.preflight(exchange);
      return;
    }
    const admission = this.admit(exchange);
    if (isPromise(admission)) {
      admission.then(
        (admitted) => {
          if (admitted) this.#otherAdmitted(exchange);
        },
        (error: unknown) => this.crashed(exchange, error),
      );
    } else if (admission) this.#otherAdmitted(exchange);
  }

  /** The body passed `maxBodyBytes`. */
  tooLarge(exchange: HttpExchange): void {
    limitHit(this.#dispatcher.serverId, "maxBodyBytes");
    this.#refuse(exchange, 413, tooLarge(this.limits.maxBodyBytes));
  }

  /** A framework consumed the body and did not pass on what it parsed. */
  bodyMissing(exchange: HttpExchange): void {
    const correlationId = globalThis.crypto.randomUUID();
    this.#options.logger.error(
      // Without the query, which may hold what does not belong there.
      { correlationId, path: pathOf(exchange.path) },
      "the request body was consumed before the server saw it; pass what the body parser made, server.nodeHandler(req, res, req.body), or give server.handler a request that nobody has read",
    );
    this.#refuse(exchange, 500, internalError(correlationId));
  }

  /** A seam threw where it must not, such as an authenticator. */
  crashed(exchange: HttpExchange, error: unknown): void {
    this.#admission.crashed(exchange, error);
  }

  #refuseTooDeep(exchange: HttpExchange): void {
    const { maxJsonDepth } = this.limits;
    limitHit(this.#dispatcher.serverId, "maxJsonDepth");
    this.#refuse(exchange, 400, tooDeep(maxJsonDepth));
  }

  /** Before anything is parsed: a page may send text/plain across origins without a preflight. */
  #admitsType(exchange: HttpExchange): boolean {
    if (isJson(exchange.header("content-type"))) return true;
    this.#refuse(exchange, 415, invalidRequest("Content-Type must be application/json"));
    return false;
  }

  #post(exchange: HttpExchange, value: unknown): void {
    try {
      this.#route(exchange, value);
    } catch (error) {
      this.crashed(exchange, error);
    }
  }

  #route(exchange: HttpExchange, value: unknown): void {
    const caller = this.#admission.callerOf(exchange);
    if (Array.isArray(value)) {
      this.#postArray(exchange, caller, value);
      return;
    }
    const headerVersion = exchange.header(HEADER_PROTOCOL_VERSION);
    const classified = classifyMessage(value, headerVersion, true);
    switch (classified.kind) {
      case "modern-request":
        this.#modernRequest(exchange, caller, classified.message, classified.revision);
        return;
      case "rejected":
        this.#refuse(exchange, 400, classified.error, value);
        return;
      case "modern-notification":
        exchange.respond(202, undefined);
        return;
      default:
        if (this.#legacy !== undefined) this.#legacy.post(exchange, caller, value);
        else this.#refuseLegacy(exchange, value, headerVersion);
    }
  }

  #postArray(exchange: HttpExchange, caller: Caller, values: readonly unknown[]): void {
    if (this.#legacy === undefined || hasModernClaim(values)) {
      this.#refuse(exchange, 400, noBatches());
    } else this.#legacy.postBatch(exchange, caller, values);
  }

  #modernRequest(
    exchange: HttpExchange,
    caller: Caller,
    message: JsonRpcRequest,
    revision: ModernRevision,
  ): void {
    const codec = codecFor(revision);
    try {
      const claims = codec.decodeClaims(message.params?._meta as Record<string, unknown>);
      checkStandardHeaders(exchange, message, codec.methods.get(message.method)?.targetMember);
      const peer = modernPeer(codec, claims, caller, exchange);
      const outlet = new ModernOutlet(exchange);
      this.#dispatcher.run(new Call(this.#dispatcher, message, claims, peer, outlet));
    } catch (error) {
      if (!MCPError.isInstance(error)) throw error;
      this.#refuse(exchange, 400, error, message);
    }
  }

  #otherAdmitted(exchange: HttpExchange): void {
    const caller = this.#admission.callerOf(exchange);
    if (exchange.method === "GET" && this.#legacy !== undefined) this.#legacy.get(exchange, caller);
    else if (exchange.method === "DELETE" && this.#legacy !== undefined) {
      this.#legacy.delete(exchange, caller);
    } else {
      const error = invalidRequest(`HTTP method ${exchange.method} is not served here`);
      exchange.respond(405, encodeFailure(undefined, error.toErrorObject()), { Allow: "POST" });
    }
  }

  /** A modern-only server names its versions, so that a legacy client can tell its user. */
  #refuseLegacy(exchange: HttpExchange, value: unknown, headerVersion: string | undefined): void {
    const requested = requestedVersion(value) ?? headerVersion;
    this.#refuse(exchange, 400, legacyRefused(requested), value);
  }

  #refuse(exchange: HttpExchange, status: number, error: MCPError, message?: unknown): void {
    exchange.respond(status, encodeFailure(salvageId(message), error.toErrorObject()));
  }
}

/** Media type only: parameters such as a charset are ignored (RFC 9110, 8.3.1). */
function isJson(contentType: string | undefined): boolean {
  if (contentType === "application/json") return true;
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() === "application/json";
}

/** @throws {MCPError} −32020 when a standard header is missing or differs from the body. */
function checkStandardHeaders(
  exchange: HttpExchange,
  message: JsonRpcRequest,
  targetMember: "name" | "uri" | undefined,
): void {
  if (exchange.header(HEADER_METHOD) !== message.method) {
    throw headerMismatch("Mcp-Method must equal the method of the body");
  }
  if (targetMember === undefined) return;
  const target = message.params?.[targetMember];
  const header = exchange.header(HEADER_NAME);
  if (header === undefined) throw headerMismatch("Mcp-Name is missing");
  if (typeof target !== "string" || !headerMatches(header, target)) {
    throw headerMismatch(`Mcp-Name must equal params.${targetMember}`);
  }
}

function requestedVersion(value: unknown): string | undefined {
  const params = isJsonObject(value) ? value.params : undefined;
  const version = isJsonObject(params) ? params.protocolVersion : undefined;
  return typeof version === "string" ? version : undefined;
}
