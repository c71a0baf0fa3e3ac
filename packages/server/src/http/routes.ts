import type { HttpExchange } from "./exchange.ts";

/** What the probes of an orchestrator ask. */
export interface Readiness {
  /** Whether new work is welcome: started, and not draining. */
  readonly ready: boolean;
}

type Route = (exchange: HttpExchange, readiness: Readiness) => void;

const PROBE_HEADERS: Readonly<Record<string, string>> = { "Cache-Control": "no-store" };

/**
 * `/health` says that the process answers, `/ready` that it wants traffic. Both skip the Host and Origin
 * guards, because probes come by address, and carry nothing but the status.
 */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/health", (exchange) => exchange.respond(200, '{"status":"healthy"}', PROBE_HEADERS)],
  [
    "/ready",
    (exchange, { ready }) =>
      exchange.respond(
        ready ? 200 : 503,
        ready ? '{"status":"ready"}' : '{"status":"draining"}',
        PROBE_HEADERS,
      ),
  ],
]);
