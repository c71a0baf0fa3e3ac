import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { within } from "@backplane/protocol";
import { encodeFailure } from "../response-encoder.ts";
import type { HttpEndpoint } from "./endpoint.ts";
import { NodeExchange } from "./node-exchange.ts";
import { createNodeHandler } from "./node-handler.ts";
import { createParserErrorListener } from "./parser-errors.ts";
import { pathOf } from "./path-of.ts";
import type { Routes } from "./routes.ts";

/** Where and how to listen. */
export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly keepAliveTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface HttpListener {
  /** The endpoint's URL, with the port that was really bound. */
  readonly url: string;
  readonly port: number;
  /** From now on answers carry `Connection: close`, so that balancers move on. */
  announceClose(): void;
  /**
   * Waits for answers that clients still read, at most `graceMs`, then stops listening and closes every
   * connection. Resolves once they are closed.
   */
  close(graceMs: number): Promise<void>;
}

/** An answer just written needs a moment to leave, however late it is. */
const FLUSH_MS = 250;
const POLL_MS = 20;

/**
 * Serves the endpoint and the routes on a `node:http` server of its own.
 * @throws {Error} with `code` EADDRINUSE and a message that names the port, or any other `listen` error.
 */
export async function listen(
  endpoint: HttpEndpoint,
  routes: Routes,
  options: ListenOptions,
): Promise<HttpListener> {
  const { createServer } = await import("node:http");
  const { path } = options;
  const { maxHeaderBytes, maxQueuedBytes } = endpoint.limits;
  const state = { closing: false };
  const site = { maxQueuedBytes, proxies: endpoint.proxies, listener: state };
  const sockets = new Set<Socket>();
  const serveMcp = createNodeHandler(endpoint, state);

  const server = createServer(
    {
      keepAliveTimeout: options.keepAliveTimeoutMs,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: checkingIntervalMs(options),
      maxHeaderSize: maxHeaderBytes,
    },
    (request, response) => {
      if (request.url === path) {
        serveMcp(request, response);
        return;
      }
      if (pathOf(request.url as string) === path) {
        serveMcp(request, response);
        return;
      }
      const exchange = new NodeExchange(request, response, site);
      if (!routes.serve(exchange)) {
        request.resume();
        exchange.respond(404, notFound(path));
      }
    },
  );
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("clientError", createParserErrorListener());
  await bind(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}${path}`,
    port,
    announceClose: () => {
      state.closing = true;
    },
    async close(graceMs) {
      // First, because `server.close` destroys a connection whose answer is complete but has not left yet.
      const untilMs = performance.now() + Math.max(graceMs, FLUSH_MS);
      while (performance.now() < untilMs && [...sockets].some(isSending)) await pause(POLL_MS);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await within(FLUSH_MS, closed);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? Object.assign(
              new Error(
                `port ${port} on ${host} is in use; choose another with the option "port" (0 for any)`,
                { cause: error },
              ),
              { code: error.code },
            )
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
}

/** How often late requests are looked for. The 30 s of `node:http` would come on top of any limit. */
function checkingIntervalMs({ headersTimeoutMs, requestTimeoutMs }: ListenOptions): number {
  const limits = [headersTimeoutMs, requestTimeoutMs].filter((limitMs) => limitMs > 0);
  return Math.min(30_000, Math.ceil(Math.min(...limits) / 10));
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

function isSending(socket: Socket): boolean {
  return socket.writableLength > 0;
}

function notFound(path: string): string {
  return encodeFailure(undefined, { code: -32600, message: `Not found; MCP is served at ${path}` });
}
