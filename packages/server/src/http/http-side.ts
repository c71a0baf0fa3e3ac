import type { HealthCheck } from "@backplane/protocol";
import type { Dispatcher } from "../dispatch.ts";
import { Health } from "../health.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Registry } from "../registry.ts";
import type { StreamSlots } from "../stream-slots.ts";
import { Admission } from "./admission.ts";
import { HttpEndpoint, type LegacyLeg } from "./endpoint.ts";
import { createFetchHandler, type FetchHandler } from "./fetch-handler.ts";
import { type HttpListener, type ListenOptions, listen } from "./listener.ts";
import { createNodeHandler, type NodeHandler } from "./node-handler.ts";
import { Probes, type Readiness } from "./probes.ts";
import { PublicDocuments } from "./public-documents.ts";
import {
  createFetchRoutes,
  createNodeRoutes,
  type FetchRouteHandler,
  type NodeRouteHandler,
} from "./route-handlers.ts";
import { RouteRunner } from "./route-runner.ts";
import { Routes } from "./routes.ts";

const DETAILS_PATH = "/health/details";

/** Everything that a server says over HTTP, made when it is first asked for. */
export class HttpSide {
  readonly health: Health;
  readonly routes: Routes;
  readonly #options: ResolvedOptions;
  readonly #endpoint: HttpEndpoint;
  #handler: FetchHandler | undefined;
  #nodeHandler: NodeHandler | undefined;
  #routeHandler: FetchRouteHandler | undefined;
  #nodeRouteHandler: NodeRouteHandler | undefined;
  /** Whether the details are open; undefined while they are not served. */
  #openDetails: boolean | undefined;

  constructor(parts: {
    readonly options: ResolvedOptions;
    readonly dispatcher: Dispatcher;
    readonly legacy: LegacyLeg | undefined;
    readonly registry: Registry;
    readonly slots: StreamSlots;
    readonly readiness: Readiness;
  }) {
    const { options, dispatcher, legacy, registry, slots, readiness } = parts;
    const { serverId } = dispatcher;
    const admission = new Admission(serverId, options);
    const documents = new PublicDocuments(options.auth?.documents, registry, serverId);
    this.#options = options;
    this.health = new Health(options.logger, options.clock);
    this.routes = new Routes({
      serverId,
      probes: new Probes(serverId, readiness, this.health),
      documents,
      runner: new RouteRunner(serverId, options, admission, slots),
      endpointPath: options.path,
      hasAuth: options.auth !== undefined,
    });
    this.#endpoint = new HttpEndpoint(options, admission, dispatcher, legacy, documents);
  }

  get handler(): FetchHandler {
    if (this.#handler === undefined) {
      this.#handler = createFetchHandler(this.#endpoint);
      if (this.#options.trustProxy !== undefined) this.#warnOfProxies();
    }
    return this.#handler;
  }

  get nodeHandler(): NodeHandler {
    this.#nodeHandler ??= createNodeHandler(this.#endpoint);
    return this.#nodeHandler;
  }

  get routeHandler(): FetchRouteHandler {
    this.#routeHandler ??= createFetchRoutes(this.routes, this.#options.limits.maxQueuedBytes);
    return this.#routeHandler;
  }

  get nodeRouteHandler(): NodeRouteHandler {
    this.#nodeRouteHandler ??= createNodeRoutes(this.routes, {
      maxQueuedBytes: this.#options.limits.maxQueuedBytes,
      proxies: this.#options.trustProxy,
    });
    return this.#nodeRouteHandler;
  }

  listen(options: Omit<ListenOptions, "path">): Promise<HttpListener> {
    return listen(this.#endpoint, this.routes, { ...options, path: this.#options.path });
  }

  /** @param open whether this machine may read the details without a credential. */
  addHealthChecker(checker: HealthCheck, open: boolean): () => void {
    // Without an authenticator nobody could be told apart: the details stay unserved unless asked for.
    if (open || this.#options.auth !== undefined) this.#serveDetails(open);
    return this.health.add(checker);
  }

  #warnOfProxies(): void {
    this.#options.logger.warn(
      {},
      "the option trustProxy does nothing for server.handler: a web Request does not say who sent it, so forwarded headers are ignored; server.nodeHandler honours it",
    );
  }

  #serveDetails(open: boolean): void {
    if (this.#openDetails === open) return;
    if (this.#openDetails !== undefined) {
      throw new TypeError(
        'addHealthChecker: option "open" must be the same for every checker: they share one report',
      );
    }
    this.routes.addBuiltIn({
      method: "GET",
      path: DETAILS_PATH,
      access: "authenticated",
      open,
      handle: async () => {
        const report = await this.health.report();
        const status = report.status === "unhealthy" ? 503 : 200;
        return { status, body: JSON.stringify(report) };
      },
    });
    this.#openDetails = open;
  }
}
