import {
  type AuthenticationFailure,
  type AuthenticationOutcome,
  internalError,
  invalidRequest,
  type MCPError,
} from "@backplane/protocol";
import { authenticationDone } from "../authentication-done.ts";
import { type Caller, callerOf } from "../caller.ts";
import { isPromise } from "../internal/is-promise.ts";
import type { ResolvedOptions } from "../options.ts";
import { encodeFailure } from "../response-encoder.ts";
import type { HttpExchange } from "./exchange.ts";
import { Guards, PREFLIGHT_HEADERS } from "./guards.ts";

const ANONYMOUS: Caller = callerOf(undefined);

/** Who may come in: the guards and the identity of every HTTP request, whatever it is for. */
export class Admission {
  readonly #serverId: string;
  readonly #options: ResolvedOptions;
  readonly #guards: Guards;

  constructor(serverId: string, options: ResolvedOptions) {
    this.#serverId = serverId;
    this.#options = options;
    this.#guards = new Guards(options.allowedHosts, options.allowedOrigins);
  }

  /** Guards and identity, before a body is read. When the answer is false, the refusal has been sent. */
  admit(exchange: HttpExchange): boolean | Promise<boolean> {
    const origin = exchange.header("origin");
    if (!this.passesGuards(exchange, origin)) return false;
    if (origin !== undefined) exchange.extraHeaders = this.#guards.corsHeaders(origin);
    return this.identify(exchange);
  }

  /** `Host` and `Origin`. When the answer is false, the refusal has been sent. */
  passesGuards(exchange: HttpExchange, origin: string | undefined): boolean {
    const objection =
      this.#guards.checkHost(exchange.header("host")) ??
      this.#guards.checkForwardedHost(exchange.forwardedHost) ??
      this.#guards.checkOrigin(origin);
    if (objection === undefined) return true;
    refuse(exchange, 403, invalidRequest(objection));
    return false;
  }

  /**
   * Asks the authenticator, if there is one. When the answer is false, the refusal has been sent.
   * @param route what is asked for, beside MCP.
   */
  identify(exchange: HttpExchange, route?: string): boolean | Promise<boolean> {
    const { auth } = this.#options;
    if (auth === undefined) return true;
    try {
      const outcome = auth.authenticate(exchange);
      return isPromise(outcome)
        ? Promise.resolve(outcome).then((settled) => this.#identified(exchange, settled, route))
        : this.#identified(exchange, outcome, route);
    } catch (error) {
      this.crashed(exchange, error);
      return false;
    }
  }

  /** Who sent an admitted request. */
  callerOf(exchange: HttpExchange): Caller {
    return exchange.caller ?? ANONYMOUS;
  }

  /** Answers the CORS preflight of an origin that was listed. */
  preflight(exchange: HttpExchange): void {
    const origin = exchange.header("origin");
    const cors = this.#guards.corsHeaders(origin);
    if (cors === undefined || this.#guards.checkHost(exchange.header("host")) !== undefined) {
      const error = invalidRequest("the option allowedOrigins does not list this origin");
      refuse(exchange, 403, error);
    } else exchange.respond(204, undefined, { ...cors, ...PREFLIGHT_HEADERS });
  }

  /** A seam threw where it must not, such as an authenticator. */
  crashed(exchange: HttpExchange, error: unknown): void {
    const correlationId = globalThis.crypto.randomUUID();
    this.#options.logger.error({ correlationId, err: error }, "a request failed before dispatch");
    refuse(exchange, 500, internalError(correlationId));
  }

  #identified(
    exchange: HttpExchange,
    outcome: AuthenticationOutcome,
    route: string | undefined,
  ): boolean {
    authenticationDone(this.#serverId, "http", exchange, outcome, route);
    if ("failure" in outcome) {
      this.#refuseIdentity(exchange, outcome.failure);
      return false;
    }
    exchange.caller = callerOf(outcome.principal);
    return true;
  }

  #refuseIdentity(exchange: HttpExchange, failure: AuthenticationFailure): void {
    this.#logRefusal(exchange, failure);
    const error = invalidRequest(failure.message).toErrorObject();
    exchange.respond(failure.status, encodeFailure(undefined, error), failure.headers);
  }

  /** Clients begin without a credential to learn what is wanted: only a bad one is news. */
  #logRefusal({ remoteAddress }: HttpExchange, failure: AuthenticationFailure): void {
    const { status, stage, cause } = failure;
    if (stage === undefined) return;
    const level = stage === "credentials" ? "debug" : "warn";
    const fields = { status, stage, remoteAddress, ...(cause !== undefined && { err: cause }) };
    this.#options.logger[level](fields, "a request was refused by its credential");
  }
}

function refuse(exchange: HttpExchange, status: number, error: MCPError): void {
  exchange.respond(status, encodeFailure(undefined, error.toErrorObject()));
}
