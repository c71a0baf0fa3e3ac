import type { AuthenticationRequest } from "@backplane/protocol";

/** A request as an authenticator sees it, with header names in lower case. */
export function requestOf(
  headers: Readonly<Record<string, string>>,
  over: Partial<AuthenticationRequest> = {},
): AuthenticationRequest {
  return {
    method: "POST",
    path: "/mcp",
    header: (name) => headers[name],
    remoteAddress: "127.0.0.1",
    ...over,
  };
}
