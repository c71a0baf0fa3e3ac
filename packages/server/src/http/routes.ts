import { type HttpRoute, type HttpRouteInfo, unavailable } from "@backplane/protocol";
import { encodeFailure } from "../response-encoder.ts";
import type { HttpExchange } from "./exchange.ts";
import { pathOf } from "./path-of.ts";
import { BUILT_IN_PATHS, type Probes } from "./probes.ts";
import type { PublicDocuments } from "./public-documents.ts";
import { errorHeaders } from "./respond.ts";
import { checkRoute } from "./route-options.ts";
import type { RouteRunner } from "./route-runner.ts";
import { RouteVisit } from "./route-visit.ts";

const RETRY_AFTER_MS = 5_000;

/** What is answered beside the MCP endpoint: probes, an authenticator's documents, and what plugs in. */
export class Routes {
  readonly #serverId: string;
  readonly #probes: Probes;
  readonly #documents: PublicDocuments;
  readonly #runner: RouteRunner;
  readonly #endpointPath: string;
  readonly #hasAuth: boolean;
  /** By exact path, then by method. */
  readonly #exact = new Map<string, Map<string, HttpRoute>>();
  /** By the path before `*`, the longest first. */
  #prefixes: readonly (readonly [prefix: string, byMethod: Map<string, HttpRoute>])[] = [];
  /** The host that is bound beyond loopback. */
  #outside: string | undefined;
  #refusing = false;

  constructor(parts: {
    readonly serverId: string;
    readonly probes: Probes;
    readonly documents: PublicDocuments;
    readonly runner: RouteRunner;
    readonly endpointPath: string;
    readonly hasAuth: boolean;
  }) {
    this.#serverId = parts.serverId;
    this.#probes = parts.probes;
    this.#documents = parts.documents;
    this.#runner = parts.runner;
    this.#endpointPath = parts.endpointPath;
    this.#hasAuth = parts.hasAuth;
  }

  /**
   * @returns what takes it off again.
   * @throws {TypeError} for a route that is malformed, taken, or guarded by nothing.
   */
  add(route: HttpRoute): () => void {
    const { path } = route;
    if (path === this.#endpointPath || BUILT_IN_PATHS.includes(path)) {
      throw new TypeError(`addRoute: the path "${path}" is the server's own`);
    }
    return this.addBuiltIn(route);
  }

  /** One of the server's own. */
  addBuiltIn(route: HttpRoute): () => void {
    checkRoute(route, this.#hasAuth);
    const { path, method } = route;
    if (route.open === true) this.#checkOpen(path, this.#outside);
    const byMethod = this.#slot(path);
    if (byMethod.has(method)) {
      throw new TypeError(`addRoute: there is a route ${method} ${path} already`);
    }
    byMethod.set(method, route);
    return () => {
      if (byMethod.get(method) === route) byMethod.delete(method);
    };
  }

  /**
   * The server will be reachable by this host beyond loopback.
   * @throws {TypeError} when a route is open.
   */
  bindOutside(host: string): void {
    for (const { path, open } of this.list()) if (open) this.#checkOpen(path, host);
    this.#outside = host;
  }

  list(): readonly HttpRouteInfo[] {
    const added = [...this.#exact.values(), ...this.#prefixes.map(([, byMethod]) => byMethod)];
    return [
      ...this.#probes.list(),
      ...this.#documents.paths.map((path) => ({
        method: "GET" as const,
        path,
        access: "public" as const,
        open: false,
      })),
      ...added.flatMap((byMethod) =>
        [...byMethod.values()].map(({ method, path, access, open = false }) => ({
          method,
          path,
          access,
          open,
        })),
      ),
    ];
  }

  /** @returns whether the path is served here; then the exchange is answered, now or later. */
  serve(exchange: HttpExchange): boolean {
    const path = pathOf(exchange.path);
    if (this.#probes.serve(exchange, path)) return true;
    const byMethod = this.#find(path);
    if (byMethod === undefined || byMethod.size === 0) return this.#documents.serve(exchange);
    const { method } = exchange;
    const route = byMethod.get(method === "HEAD" ? "GET" : method);
    if (route === undefined) this.#refuseMethod(exchange, [...byMethod.values()]);
    else {
      const visit = RouteVisit.begin(this.#serverId, route, exchange);
      if (this.#refusing) {
        this.#unavailable(exchange);
        visit?.end({ stage: "draining" });
      } else this.#runner.run(exchange, route, path, visit);
    }
    return true;
  }

  /** New requests are refused from now on, and streams end. The probes go on. */
  drain(): void {
    this.#refusing = true;
    this.#runner.endStreams();
  }

  /** Resolves when no route runs. */
  idle(): Promise<void> {
    return this.#runner.idle();
  }

  /** Fires the signal of what still runs. */
  abortAll(): void {
    this.#runner.abortAll();
  }

  #find(path: string): Map<string, HttpRoute> | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined && exact.size > 0) return exact;
    return this.#prefixes.find(([prefix, { size }]) => size > 0 && path.startsWith(prefix))?.[1];
  }

  #slot(path: string): Map<string, HttpRoute> {
    if (!path.endsWith("/*")) {
      const existing = this.#exact.get(path) ?? new Map<string, HttpRoute>();
      this.#exact.set(path, existing);
      return existing;
    }
    const prefix = path.slice(0, -1);
    const known = this.#prefixes.find(([each]) => each === prefix);
    if (known !== undefined) return known[1];
    const created = [prefix, new Map<string, HttpRoute>()] as const;
    this.#prefixes = [...this.#prefixes, created].sort(([a], [b]) => b.length - a.length);
    return created[1];
  }

  /** @param routes what the path has for other methods: at least one. */
  #refuseMethod(exchange: HttpExchange, routes: readonly HttpRoute[]): void {
    const visit = RouteVisit.begin(this.#serverId, routes[0] as HttpRoute, exchange);
    const allow = routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    exchange.respond(405, undefined, { Allow: allow.join(", ") });
    visit?.end({ stage: "method" });
  }

  #unavailable(exchange: HttpExchange): void {
    const error = unavailable("draining", RETRY_AFTER_MS);
    exchange.respond(503, encodeFailure(undefined, error.toErrorObject()), errorHeaders(error));
  }

  #checkOpen(path: string, host: string | undefined): void {
    if (host === undefined) return;
    throw new TypeError(
      `start: the route ${path} is open and would be served to everybody who reaches "${host}"; leave out its option "open", or bind loopback`,
    );
  }
}
