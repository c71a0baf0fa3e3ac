import { CHANNELS, type HttpRouteInfo, type RouteRefusalStage } from "@backplane/protocol";
import type { HttpExchange } from "./exchange.ts";

/** How a visit ended, where the exchange does not say it. */
export interface RouteEnding {
  /** What refused it, or cut it off. */
  readonly stage?: RouteRefusalStage;
  /** Of an unexpected error. */
  readonly correlationId?: string;
  /** Whether the client was gone before the answer. */
  readonly gone?: boolean;
}

/** One request of a route, which whoever listens is told of when it has ended. */
export class RouteVisit {
  readonly #serverId: string;
  readonly #route: Pick<HttpRouteInfo, "path" | "access">;
  readonly #exchange: HttpExchange;
  /** Read now: a connection that has ended has none any more. */
  readonly #remoteAddress: string | undefined;
  readonly #startedAtMs = performance.now();
  #ended = false;

  /** @returns undefined while nobody listens. */
  static begin(
    serverId: string,
    route: Pick<HttpRouteInfo, "path" | "access">,
    exchange: HttpExchange,
  ): RouteVisit | undefined {
    return CHANNELS.routeEnd.hasSubscribers ? new RouteVisit(serverId, route, exchange) : undefined;
  }

  private constructor(
    serverId: string,
    route: Pick<HttpRouteInfo, "path" | "access">,
    exchange: HttpExchange,
  ) {
    this.#serverId = serverId;
    this.#route = route;
    this.#exchange = exchange;
    this.#remoteAddress = exchange.remoteAddress;
  }

  /** After the answer. Idempotent: a stream that fails has closed already. */
  end({ stage, correlationId, gone = false }: RouteEnding = {}): void {
    if (this.#ended) return;
    this.#ended = true;
    const { method, scheme, caller, status } = this.#exchange;
    CHANNELS.routeEnd.publish({
      serverId: this.#serverId,
      route: this.#route.path,
      access: this.#route.access,
      method,
      scheme,
      remoteAddress: this.#remoteAddress,
      principal: caller?.principal,
      status: gone ? undefined : status,
      stage,
      correlationId,
      durationMs: performance.now() - this.#startedAtMs,
    });
  }
}
