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
  type RouteRefusalStage,
  unavailable,
} from "@backplane/protocol";
import { authenticationDone } from "../authentication-done.ts";
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
import type { RouteEnding, RouteVisit } from "./route-visit.ts";

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
  readonly stage: RouteRefusalStage;
  readonly status: number;
  readonly error: MCPError;

  constructor(stage: RouteRefusalStage, status: number, error: MCPError) {
    super(error.message);
    this.stage = stage;
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

  /** @param visit is told how it ended. */
  run(exchange: HttpExchange, route: HttpRoute, path: string, visit: RouteVisit | undefined): void {
    if (!this.#admission.passesGuards(exchange, exchange.header("origin"))) {
      visit?.end({ stage: "guards" });
      return;
    }
    if (this.#running.size >= this.#options.limits.maxInFlight) {
      limitHit(this.#serverId, "maxInFlight", undefined, RETRY_AFTER_MS, route.path);
      refuse(exchange, 503, unavailable("overloaded", RETRY_AFTER_MS));
      visit?.end({ stage: "overloaded" });
      return;
    }
    const controller = new AbortController();
    this.#running.add(controller);
    exchange.onDisconnect(() =>
      controller.abort(new DOMException("the client disconnected", "AbortError")),
    );
    const { idleMs } = this.#options.deadlines;
    const stopTimer = this.#clock.after(idleMs, () => {
      controller.abort(new RouteRefusal("deadline", 503, deadlineExceeded("idle", idleMs)));
    });
    this.#serve(exchange, route, path, controller.signal, visit)
      .catch((error: unknown) => {
        const ending = this.#failed(exchange, error, controller.signal);
        visit?.end(ending);
      })
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
      controller.abort(new RouteRefusal("draining", 503, unavailable("draining", RETRY_AFTER_MS)));
    }
  }

  async #serve(
    exchange: HttpExchange,
    route: HttpRoute,
    path: string,
    signal: AbortSignal,
    visit: RouteVisit | undefined,
  ): Promise<void> {
    const request = routeRequest(exchange, path, signal, this.#options.auth);
    const caller = await orAbort(signal, this.#identify(exchange, route, request));
    if (caller === undefined) {
      // An authenticator that failed has said nothing of the credential: it is an error of the server.
      visit?.end(exchange.status === 500 ? {} : { stage: "authentication" });
      return;
    }
    exchange.caller = caller;
    request.principal = caller.principal;
    if (exchange.method !== "GET" && exchange.method !== "HEAD") {
      request.body = await orAbort(signal, this.#body(exchange, route));
    }
    const response = await orAbort(signal, Promise.resolve(route.handle(request)));
    this.#answer(exchange, route, response, caller, visit);
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
      const message = "Authentication required";
      const outcome = { failure: { status: 401, headers: {}, message } } as const;
      authenticationDone(this.#serverId, "http", exchange, outcome, route.path);
      throw new RouteRefusal("authentication", 401, invalidRequest(message));
    }
    return (await this.#admission.identify(exchange, route.path))
      ? this.#admission.callerOf(exchange)
      : undefined;
  }

  async #body(exchange: HttpExchange, { path, maxBodyBytes }: HttpRoute): Promise<string> {
    const maxBytes = Math.min(
      maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      this.#options.limits.maxBodyBytes,
    );
    const text = await exchange.readText(maxBytes);
    if (text !== undefined) return text;
    limitHit(this.#serverId, "maxBodyBytes", undefined, undefined, path);
    throw new RouteRefusal("too_large", 413, tooLarge(maxBytes));
  }

  #answer(
    exchange: HttpExchange,
    { path }: HttpRoute,
    { status = 200, headers, body, stream: begin }: HttpRouteResponse,
    caller: Caller,
    visit: RouteVisit | undefined,
  ): void {
    if (begin === undefined) {
      exchange.respond(status, body, { ...DEFAULT_HEADERS, ...headers });
      visit?.end();
      return;
    }
    const stream = this.#openStream(exchange, path, headers, caller);
    stream.onClose(() => visit?.end());
    try {
      begin(stream);
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  #openStream(
    exchange: HttpExchange,
    path: string,
    headers: HttpRouteResponse["headers"],
    { principal, principalKey }: Caller,
  ): RouteStream {
    const owner = principalKey === "" ? `address ${exchange.remoteAddress ?? ""}` : principalKey;
    const release = this.#slots.take(owner, path);
    if (release === undefined) {
      throw new RouteRefusal(
        "too_many_streams",
        503,
        unavailable("too_many_streams", RETRY_AFTER_MS),
      );
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
    return stream;
  }

  #failed(exchange: HttpExchange, error: unknown, signal: AbortSignal): RouteEnding {
    if (error instanceof RouteRefusal) {
      refuse(exchange, error.status, error.error);
      return { stage: error.stage };
    }
    const correlationId = globalThis.crypto.randomUUID();
    const gone = signal.aborted && error === signal.reason;
    if (!gone) {
      this.#options.logger.error(
        { correlationId, path: pathOf(exchange.path), err: error },
        "a route failed unexpectedly; the client saw only the correlation id",
      );
    }
    refuse(exchange, 500, internalError(correlationId));
    return gone ? { gone } : { correlationId };
  }
}

/** @throws {RouteRefusal} 403 unless the peer is this machine itself. */
function checkLocal(exchange: HttpExchange): void {
  const forwarded = FORWARDED_HEADERS.find((name) => exchange.header(name) !== undefined);
  const { remoteAddress } = exchange;
  if (forwarded === undefined && remoteAddress !== undefined && isLoopback(remoteAddress)) return;
  throw new RouteRefusal(
    "not_local",
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
