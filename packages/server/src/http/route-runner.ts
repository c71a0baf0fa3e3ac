import {
  type Clock,
  deadlineExceeded,
  type HttpRoute,
  type HttpRouteRequest,
  type HttpRouteResponse,
  internalError,
  invalidRequest,
  isLoopbackHost,
  type MCPError,
  unavailable,
} from "@backplane/protocol";
import { type Caller, callerOf } from "../caller.ts";
import { limitHit } from "../limit-hit.ts";
import { tooLarge } from "../message-refusals.ts";
import type { ResolvedOptions } from "../options.ts";
import { encodeFailure } from "../response-encoder.ts";
import type { StreamSlots } from "../stream-slots.ts";
import type { Admission } from "./admission.ts";
import type { HttpExchange, SseStream } from "./exchange.ts";
import { pathOf } from "./path-of.ts";
import { errorHeaders } from "./respond.ts";
import { routeRequest } from "./route-request.ts";
import { RouteStream } from "./route-stream.ts";

const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
};
const DEFAULT_MAX_BODY_BYTES = 65_536;
const RETRY_AFTER_MS = 5_000;

/** What tells that a proxy stands between: the peer's address is then not the caller's. */
const FORWARDED_HEADERS = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-port",
  "x-forwarded-server",
  "x-forwarded-prefix",
  "x-original-forwarded-for",
  "x-envoy-external-address",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "cf-connecting-ip",
  "fly-client-ip",
  "true-client-ip",
] as const;

/** An end before the handler's own: thrown, so that the steps read as a list. */
class RouteRefusal extends Error {
  readonly status: number;
  readonly error: MCPError;

  constructor(status: number, error: MCPError) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}

/** Runs one route for one request: guards, identity, body, deadline, answer. */
export class RouteRunner {
  readonly #serverId: string;
  readonly #options: ResolvedOptions;
  readonly #admission: Admission;
  readonly #slots: StreamSlots;
  readonly #clock: Clock;
  readonly #running = new Set<AbortController>();
  readonly #streams = new Set<RouteStream>();
  #onIdle: (() => void) | undefined;

  constructor(
    serverId: string,
    options: ResolvedOptions,
    admission: Admission,
    slots: StreamSlots,
  ) {
    this.#serverId = serverId;
    this.#options = options;
    this.#admission = admission;
    this.#slots = slots;
    this.#clock = options.clock;
  }

  run(exchange: HttpExchange, route: HttpRoute, path: string): void {
    if (!this.#admission.passesGuards(exchange, exchange.header("origin"))) return;
    if (this.#running.size >= this.#options.limits.maxInFlight) {
      limitHit(this.#serverId, "maxInFlight", undefined, RETRY_AFTER_MS);
      refuse(exchange, 503, unavailable("overloaded", RETRY_AFTER_MS));
      return;
    }
    const controller = new AbortController();
    this.#running.add(controller);
    exchange.onDisconnect(() =>
      controller.abort(new DOMException("the client disconnected", "AbortError")),
    );
    const { idleMs } = this.#options.deadlines;
    const stopTimer = this.#clock.after(idleMs, () => {
      controller.abort(new RouteRefusal(503, deadlineExceeded("idle", idleMs)));
    });
    this.#serve(exchange, route, path, controller.signal)
      .catch((error: unknown) => this.#failed(exchange, error))
      .finally(() => {
        stopTimer();
        this.#running.delete(controller);
        if (this.#running.size === 0) this.#onIdle?.();
      });
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.close();
  }

  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  abortAll(): void {
    for (const controller of this.#running) {
      controller.abort(new RouteRefusal(503, unavailable("draining", RETRY_AFTER_MS)));
    }
  }

  async #serve(
    exchange: HttpExchange,
    route: HttpRoute,
    path: string,
    signal: AbortSignal,
  ): Promise<void> {
    const request = routeRequest(exchange, path, signal, this.#options.auth);
    const caller = await orAbort(signal, this.#identify(exchange, route, request));
    if (caller === undefined) return;
    request.principal = caller.principal;
    if (exchange.method !== "GET" && exchange.method !== "HEAD") {
      request.body = await orAbort(signal, this.#body(exchange, route));
    }
    const response = await orAbort(signal, Promise.resolve(route.handle(request)));
    this.#answer(exchange, response, caller);
  }

  /** @returns undefined when a refusal has been sent. */
  async #identify(
    exchange: HttpExchange,
    route: HttpRoute,
    request: HttpRouteRequest,
  ): Promise<Caller | undefined> {
    if (route.access === "public") return callerOf(undefined);
    if (route.open === true) {
      checkLocal(exchange);
      return callerOf(undefined);
    }
    const known = await route.identify?.(request);
    if (
      known !== undefined &&
      (known.expiresAtMs ?? Number.POSITIVE_INFINITY) > this.#clock.now()
    ) {
      return callerOf(known);
    }
    if (this.#options.auth === undefined) {
      throw new RouteRefusal(401, invalidRequest("Authentication required"));
    }
    return (await this.#admission.identify(exchange))
      ? this.#admission.callerOf(exchange)
      : undefined;
  }

  async #body(exchange: HttpExchange, { maxBodyBytes }: HttpRoute): Promise<string> {
    const maxBytes = Math.min(
      maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      this.#options.limits.maxBodyBytes,
    );
    const text = await exchange.readText(maxBytes);
    if (text !== undefined) return text;
    limitHit(this.#serverId, "maxBodyBytes");
    throw new RouteRefusal(413, tooLarge(maxBytes));
  }

  #answer(exchange: HttpExchange, response: HttpRouteResponse, caller: Caller): void {
    const { status = 200, headers, body, stream } = response;
    if (stream !== undefined) {
      this.#stream(exchange, response, caller, stream);
      return;
    }
    exchange.respond(status, body, { ...DEFAULT_HEADERS, ...headers });
  }

  #stream(
    exchange: HttpExchange,
    { headers }: HttpRouteResponse,
    { principal, principalKey }: Caller,
    begin: (stream: RouteStream) => void,
  ): void {
    const owner = principalKey === "" ? `address ${exchange.remoteAddress ?? ""}` : principalKey;
    const release = this.#slots.take(owner);
    if (release === undefined) {
      throw new RouteRefusal(503, unavailable("too_many_streams", RETRY_AFTER_MS));
    }
    let opened: SseStream;
    try {
      opened = exchange.openStream(headers);
    } catch (error) {
      // Headers that HTTP cannot carry.
      release();
      throw error;
    }
    const stream = new RouteStream(opened, (error) =>
      this.#options.logger.error(
        { path: pathOf(exchange.path), err: error },
        "a route's stream failed unexpectedly at its end",
      ),
    );
    this.#streams.add(stream);
    const expiresAtMs = principal?.expiresAtMs;
    const stopTimer =
      expiresAtMs === undefined
        ? undefined
        : this.#clock.after(Math.max(0, expiresAtMs - this.#clock.now()), () => stream.close());
    stream.onClose(() => {
      stopTimer?.();
      release();
      this.#streams.delete(stream);
    });
    exchange.onDisconnect(() => stream.ended());
    try {
      begin(stream);
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  #failed(exchange: HttpExchange, error: unknown): void {
    if (error instanceof RouteRefusal) {
      refuse(exchange, error.status, error.error);
      return;
    }
    const correlationId = globalThis.crypto.randomUUID();
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      this.#options.logger.error(
        { correlationId, path: pathOf(exchange.path), err: error },
        "a route failed unexpectedly; the client saw only the correlation id",
      );
    }
    refuse(exchange, 500, internalError(correlationId));
  }
}

/** @throws {RouteRefusal} 403 unless the peer is this machine itself. */
function checkLocal(exchange: HttpExchange): void {
  const forwarded = FORWARDED_HEADERS.find((name) => exchange.header(name) !== undefined);
  const { remoteAddress } = exchange;
  if (forwarded === undefined && remoteAddress !== undefined && isLoopback(remoteAddress)) return;
  throw new RouteRefusal(
    403,
    invalidRequest(
      forwarded === undefined
        ? "An open route is served to this machine alone"
        : `An open route is not served through a proxy, which the header ${forwarded} tells of`,
    ),
  );
}

/** IPv4 peers of a dual-stack socket come as IPv6 (RFC 4291, 2.5.5.2). */
function isLoopback(address: string): boolean {
  return isLoopbackHost(address.replace(/^::ffff:/i, ""));
}

/** What comes first: the work's end, or the signal, whose reason it then rejects with. */
function orAbort<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function refuse(exchange: HttpExchange, status: number, error: MCPError): void {
  exchange.respond(status, encodeFailure(undefined, error.toErrorObject()), errorHeaders(error));
}
