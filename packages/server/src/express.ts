import type { IncomingMessage, ServerResponse } from "node:http";
import type { MCPServer } from "./mcp-server.ts";

/** A request handler as Express calls it. */
export type ExpressHandler = (
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
) => void;

/**
 * Mounts a server in Express: `app.all("/mcp", expressHandler(server))`. It works with and without a body
 * parser (`express.json()`, `express.text()`, `express.raw()`) in front of it; with one, that parser's own
 * limit (100 KB by default) bounds the body, and its errors are the application's.
 *
 * CORS is Backplane's option `allowedOrigins`, not a middleware: the preflight comes here too.
 */
export function expressHandler(server: MCPServer): ExpressHandler {
  const { nodeHandler } = server;
  return (request, response) => nodeHandler(request, response, request.body);
}
