import type { Authenticator, HttpRouteRequest, Principal } from "@backplane/protocol";
import { credentialRequest } from "../identity.ts";
import type { HttpExchange } from "./exchange.ts";

/** A route's request while it is put together. */
export type OpenRouteRequest = Omit<HttpRouteRequest, "principal" | "body"> & {
  principal: Principal | undefined;
  body: string;
};

export function routeRequest(
  exchange: HttpExchange,
  path: string,
  signal: AbortSignal,
  auth: Authenticator | undefined,
): OpenRouteRequest {
  const { method, remoteAddress, forwardedOrigin } = exchange;
  const about = { method, path: exchange.path, remoteAddress, forwardedOrigin };
  return {
    method,
    path,
    query: new URLSearchParams(exchange.path.slice(path.length)),
    header: (name) => exchange.header(name),
    cookie: (name) => cookieOf(exchange.header("cookie"), name),
    body: "",
    remoteAddress,
    principal: undefined,
    signal,
    // None of the request's own headers: what came with it is no part of that credential.
    authenticate: (headers) => auth?.authenticate(credentialRequest(about, headers)),
  };
}

/** The first cookie of a name: a browser sends the one of the longest path first (RFC 6265, 5.4). */
function cookieOf(header: string | undefined, name: string): string | undefined {
  // Several `Cookie` headers are joined by "; " in Node, and by ", " as any other list.
  for (const pair of header?.split(/[;,]/) ?? []) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && pair.slice(0, equals).trim() === name)
      return pair.slice(equals + 1).trim();
  }
  return undefined;
}
