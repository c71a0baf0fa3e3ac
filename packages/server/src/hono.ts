import type { MCPServer } from "./mcp-server.ts";

/** What Hono gives a handler, as far as Backplane uses it. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    text(): Promise<string>;
  };
}

/** A handler as Hono calls it. */
export type HonoHandler = (context: HonoContext) => Promise<Response>;

/**
 * Mounts a server in Hono, on any runtime: `app.all("/mcp", honoHandler(server))`. A body that a middleware has
 * read through Hono (`c.req.json()`, a validator) is taken from where Hono keeps it.
 *
 * CORS is Backplane's option `allowedOrigins`, not a middleware. The client's address is not known here:
 * an interceptor finds `remoteAddress` undefined.
 */
export function honoHandler(server: MCPServer): HonoHandler {
  const { handler } = server;
  return async ({ req }) => {
    const { raw } = req;
    const text = raw.bodyUsed ? await keptBody(req) : undefined;
    if (text === undefined) return handler(raw);
    const { url, method, headers, signal } = raw;
    return handler(new Request(url, { method, headers, signal, body: text }));
  };
}

/** Undefined when the body was read past Hono: the server then says what is wrong. */
async function keptBody(request: HonoContext["req"]): Promise<string | undefined> {
  try {
    return await request.text();
  } catch {
    return undefined;
  }
}
