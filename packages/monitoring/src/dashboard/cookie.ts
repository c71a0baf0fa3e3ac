import { type HttpRouteRequest, isLoopbackHost } from "@backplane/protocol";

type Request = Pick<HttpRouteRequest, "header" | "cookie">;

/** With the port, since cookies are shared by all ports of a host (RFC 6265, 8.5). */
function nameFor({ header }: Request): string {
  const port = /:(\d+)$/.exec(header("host") ?? "")?.[1];
  return port === undefined ? "backplane_dashboard" : `backplane_dashboard_${port}`;
}

/** The id that a request's cookie carries. */
export function idIn(request: Request): string | undefined {
  return request.cookie(nameFor(request));
}

/** @param id undefined takes the cookie away. */
export function setCookie(
  request: Request,
  path: string,
  id: string | undefined,
  endsAtMs: number,
): string {
  const seconds = id === undefined ? 0 : Math.max(0, Math.floor((endsAtMs - Date.now()) / 1_000));
  // A browser keeps a `Secure` cookie from plain HTTP; on this machine itself nobody listens in between.
  const host = (request.header("host") ?? "").replace(/:\d+$/, "");
  const secure = isLoopbackHost(host) ? "" : "; Secure";
  const value = `${nameFor(request)}=${id ?? ""}; Path=${path}; Max-Age=${seconds}`;
  return `${value}; HttpOnly; SameSite=Strict${secure}`;
}
