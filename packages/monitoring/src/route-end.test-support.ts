import type { RouteEndEvent } from "@backplane/protocol";

/** What a server tells of a request of a route that went well. */
export const ROUTE_END: RouteEndEvent = {
  serverId: "s",
  route: "/metrics",
  access: "authenticated",
  method: "GET",
  scheme: "http",
  remoteAddress: "127.0.0.1",
  principal: undefined,
  status: 200,
  stage: undefined,
  correlationId: undefined,
  durationMs: 6,
};
