import type { HealthStatus, HttpRouteInfo } from "@backplane/protocol";
import type { Health } from "../health.ts";
import type { HttpExchange } from "./exchange.ts";
import { RouteVisit } from "./route-visit.ts";

/** What the probes of an orchestrator ask. */
export interface Readiness {
  /** Whether new work is welcome: started, and not draining. */
  readonly ready: boolean;
}

const PROBE_HEADERS: Readonly<Record<string, string>> = { "Cache-Control": "no-store" };
const READY_WORDS: Readonly<Record<HealthStatus, string>> = {
  healthy: "ready",
  degraded: "degraded",
  unhealthy: "unhealthy",
};
const ALLOW: Readonly<Record<string, string>> = { ...PROBE_HEADERS, Allow: "GET, HEAD" };

/** The paths that no route may take. */
export const BUILT_IN_PATHS: readonly string[] = ["/health", "/ready", "/health/details"];

/**
 * `/health` says that the process answers: it never asks a neighbour, whose fault no restart mends. `/ready`
 * says that it wants traffic: it is not draining, and what it depends on works. Both skip the Host and Origin
 * guards, because probes come by address, and carry nothing but the status.
 */
export class Probes {
  readonly #serverId: string;
  readonly #readiness: Readiness;
  readonly #health: Health;

  constructor(serverId: string, readiness: Readiness, health: Health) {
    this.#serverId = serverId;
    this.#readiness = readiness;
    this.#health = health;
  }

  list(): readonly HttpRouteInfo[] {
    return ["/health", "/ready"].map((path) => ({
      method: "GET",
      path,
      access: "probe",
      open: false,
    }));
  }

  /** @returns whether the path is a probe's; then the exchange is answered, now or later. */
  serve(exchange: HttpExchange, path: string): boolean {
    if (path !== "/health" && path !== "/ready") return false;
    const visit = RouteVisit.begin(this.#serverId, { path, access: "probe" }, exchange);
    const answer = (status: number, word: string): void => {
      exchange.respond(status, `{"status":"${word}"}`, PROBE_HEADERS);
      visit?.end();
    };
    if (exchange.method !== "GET" && exchange.method !== "HEAD") {
      exchange.respond(405, undefined, ALLOW);
      visit?.end({ stage: "method" });
    } else if (path === "/health") answer(200, "healthy");
    else this.#ready(answer);
    return true;
  }

  #ready(answer: (status: number, word: string) => void): void {
    if (!this.#readiness.ready) answer(503, "draining");
    else if (this.#health.empty) answer(200, "ready");
    else {
      this.#health.report().then(
        ({ status }) => {
          // It may have begun to drain while the checkers were asked.
          if (!this.#readiness.ready) answer(503, "draining");
          else answer(status === "unhealthy" ? 503 : 200, READY_WORDS[status]);
        },
        // A logger that throws, or a report that changes while it is read: nobody else is there to catch it.
        () => answer(503, READY_WORDS.unhealthy),
      );
    }
  }
}
