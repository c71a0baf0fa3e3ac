import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** One request as the server got it. */
export interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly name?: string; readonly arguments?: { readonly n?: number } };
  readonly session: string | undefined;
  readonly socket: Socket;
}

/** What a test does in place of the usual answer; `false` for the usual one. */
type Script = (asked: Asked, response: ServerResponse) => unknown;

/** A real HTTP server of one era that counts its sockets and sessions, and can die and come back. */
export class PoolServer {
  readonly asked: Asked[] = [];
  readonly sessions = new Set<string>();
  readonly sockets = new Set<Socket>();
  /** The most sockets that were open at once. */
  mostSockets = 0;
  /** The most calls that ran at once. */
  mostRunning = 0;
  /** Whether two requests ever ran at once on one socket, or in one session. */
  shared = false;
  script: Script = () => false;
  readonly #era: "modern" | "legacy";
  readonly #running = new Map<Socket | string, number>();
  #calls = 0;
  #port = 0;
  #lastSession = 0;
  #server: Server | undefined;

  constructor(era: "modern" | "legacy" = "modern") {
    this.#era = era;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  count(method: string): number {
    return this.asked.filter((asked) => asked.method === method).length;
  }

  /** On the port of last time. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      void this.#serve(request, response);
    });
    server.keepAliveTimeout = 0;
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      this.mostSockets = Math.max(this.mostSockets, this.sockets.size);
      socket.on("close", () => this.sockets.delete(socket));
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  /** Nothing of it is left, sessions included. */
  async die(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.sessions.clear();
    server?.close();
    server?.closeAllConnections();
    if (server?.listening) await once(server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const session = request.headers["mcp-session-id"] as string | undefined;
    const body = Buffer.concat(chunks).toString();
    const message = body === "" ? { method: request.method } : JSON.parse(body);
    const asked: Asked = { params: {}, ...message, session, socket: request.socket };
    this.asked.push(asked);
    if (asked.method === "DELETE") this.sessions.delete(session as string);
    if (session !== undefined && asked.method !== "DELETE" && !this.sessions.has(session)) {
      response.writeHead(404).end();
      return;
    }
    this.#track(asked, response);
    if (this.script(asked, response) === false) this.#answer(asked, response);
  }

  #track({ method, session, socket }: Asked, response: ServerResponse): void {
    if (method !== "tools/call") return;
    this.mostRunning = Math.max(this.mostRunning, ++this.#calls);
    const key = session ?? socket;
    const running = (this.#running.get(key) ?? 0) + 1;
    this.#running.set(key, running);
    if (running > 1) this.shared = true;
    response.on("close", () => {
      this.#calls--;
      this.#running.set(key, (this.#running.get(key) as number) - 1);
    });
  }

  #answer(asked: Asked, response: ServerResponse): void {
    const { id, method, params } = asked;
    if (id === undefined) response.writeHead(method === "GET" ? 405 : 202).end();
    else if (method === "server/discover" && this.#era === "modern") {
      succeed(response, id, {
        resultType: "complete",
        supportedVersions: ["2026-07-28"],
        capabilities: { tools: {}, resources: { subscribe: true } },
        ttlMs: 0,
        cacheScope: "private",
      });
    } else if (method === "server/discover") fail(response, id, -32601, "Method not found");
    else if (method === "initialize") {
      const opened = `session-${++this.#lastSession}`;
      this.sessions.add(opened);
      response.setHeader("mcp-session-id", opened);
      succeed(response, id, {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: "pool", version: "1" },
      });
    } else if (method === "ping") succeed(response, id, {});
    else {
      const text = String(params.arguments?.n);
      succeed(response, id, { resultType: "complete", content: [{ type: "text", text }] });
    }
  }
}

export function succeed(response: ServerResponse, id: number, result: object): void {
  const text = JSON.stringify({ jsonrpc: "2.0", id, result });
  response.writeHead(200, { "content-type": "application/json" }).end(text);
}

function fail(response: ServerResponse, id: number, code: number, message: string): void {
  const text = JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } });
  response.writeHead(200, { "content-type": "application/json" }).end(text);
}
