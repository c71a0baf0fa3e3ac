import type { IncomingMessage, ServerResponse } from "node:http";
import { FetchExchange } from "./fetch-handler.ts";
import { NodeExchange, type NodeExchangeSite } from "./node-exchange.ts";
import type { Routes } from "./routes.ts";

/** What `server.routeHandler` is: undefined for a request that no route is for, whose body stays unread. */
export type FetchRouteHandler = (request: Request) => Promise<Response> | undefined;

/** What `server.nodeRouteHandler` is: false for a request that no route is for, which stays untouched. */
export type NodeRouteHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createFetchRoutes(routes: Routes, maxQueuedBytes: number): FetchRouteHandler {
  return (request) => {
    let served = false;
    const response = new Promise<Response>((resolve) => {
      served = routes.serve(new FetchExchange(request, resolve, maxQueuedBytes));
    });
    return served ? response : undefined;
  };
}

export function createNodeRoutes(routes: Routes, site: NodeExchangeSite): NodeRouteHandler {
  return (request, response) => routes.serve(new NodeExchange(request, response, site));
}
