import type { IncomingMessage, ServerResponse } from "node:http";
import type { MCPServer } from "./mcp-server.ts";

/** What a Fastify instance is, as far as a plugin of Backplane uses it. */
export interface FastifyScope {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handler: (
      request: { readonly raw: IncomingMessage },
      reply: { hijack(): unknown; readonly raw: ServerResponse },
    ) => void,
  ): unknown;
}

/** A plugin for `app.register`. */
export type FastifyPlugin = (instance: FastifyScope) => Promise<void>;

/**
 * Mounts a server in Fastify: `app.register(fastifyPlugin(server), { prefix: "/mcp" })`.
 *
 * Inside the plugin Fastify neither parses bodies nor writes replies: requests go to the server as they come,
 * so its limits and errors hold, and hooks that change replies (`onSend`, CORS plugins) do not see
 * them. CORS is Backplane's option `allowedOrigins`.
 */
export function fastifyPlugin(server: MCPServer): FastifyPlugin {
  const { nodeHandler } = server;
  return async (instance) => {
    // In this scope only: the application keeps its parsers.
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    instance.all("/", (request, reply) => {
      reply.hijack();
      nodeHandler(request.raw, reply.raw);
    });
  };
}
