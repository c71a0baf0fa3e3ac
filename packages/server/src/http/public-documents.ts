import type { GuardedServer, PublicDocument } from "@backplane/protocol";
import type { HttpExchange } from "./exchange.ts";
import { pathOf } from "./path-of.ts";
import { RouteVisit } from "./route-visit.ts";

/**
 * Any page may read them, and clients in browsers send headers of their own with the request. Nothing in
 * them depends on who asks, so the Host and Origin guards have nothing to protect here.
 */
const CORS: Readonly<Record<string, string>> = { "Access-Control-Allow-Origin": "*" };
const PREFLIGHT: Readonly<Record<string, string>> = {
  ...CORS,
  "Access-Control-Allow-Methods": "GET",
  "Access-Control-Allow-Headers": "*",
  "Access-Control-Max-Age": "86400",
};
const ALLOW: Readonly<Record<string, string>> = { ...CORS, Allow: "GET, HEAD, OPTIONS" };

/** Serves what an authenticator publishes for clients that have no credential yet. */
export class PublicDocuments {
  readonly #documents: ReadonlyMap<string, PublicDocument>;
  readonly #server: GuardedServer;
  readonly #serverId: string;

  constructor(
    documents: ReadonlyMap<string, PublicDocument> | undefined,
    server: GuardedServer,
    serverId: string,
  ) {
    this.#serverId = serverId;
    this.#documents = documents ?? new Map();
    this.#server = server;
  }

  /** The paths that are served, in their order. */
  get paths(): readonly string[] {
    return [...this.#documents.keys()];
  }

  /** @returns whether the path is one of a document; then it has been answered. */
  serve(exchange: HttpExchange): boolean {
    if (this.#documents.size === 0) return false;
    const path = pathOf(exchange.path);
    const document = this.#documents.get(path);
    if (document === undefined) return false;
    const visit = RouteVisit.begin(this.#serverId, { path, access: "public" }, exchange);
    const isServed = this.#answer(exchange, document);
    visit?.end(isServed ? {} : { stage: "method" });
    return true;
  }

  /** @returns whether the method is served. */
  #answer(exchange: HttpExchange, document: PublicDocument): boolean {
    if (exchange.method === "OPTIONS") exchange.respond(204, undefined, PREFLIGHT);
    else if (exchange.method === "GET" || exchange.method === "HEAD") {
      exchange.respond(200, document.body(this.#server), {
        ...CORS,
        "Content-Type": document.contentType,
        "Cache-Control": "max-age=300",
      });
    } else {
      exchange.respond(405, undefined, ALLOW);
      return false;
    }
    return true;
  }
}
