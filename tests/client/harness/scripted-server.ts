import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

type Json = Readonly<Record<string, unknown>>;

export interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Json;
}

/** What the server does with one request. */
export type Answer = (request: ReceivedRequest) => unknown;

/** By JSON-RPC method, or `GET` and `DELETE` for requests without a message. */
export type Script = Readonly<Record<string, Answer>>;

/** One request as it arrived, and every way to answer it, well or badly. */
export class ReceivedRequest {
  readonly message: Message;
  readonly headers: IncomingMessage["headers"];
  readonly response: ServerResponse;
  readonly server: ScriptedServer;
  readonly #httpMethod: string;

  constructor(
    server: ScriptedServer,
    incoming: IncomingMessage,
    response: ServerResponse,
    body: string,
  ) {
    this.server = server;
    this.headers = incoming.headers;
    this.response = response;
    this.#httpMethod = incoming.method ?? "";
    this.message = body === "" ? {} : (JSON.parse(body) as Message);
  }

  /** The JSON-RPC method, or the HTTP method of a request without a message. */
  get name(): string {
    return this.#httpMethod === "POST" ? (this.message.method ?? "response") : this.#httpMethod;
  }

  get socket(): Socket {
    return this.response.socket as Socket;
  }

  /** The result of the right request, with the members that a complete one has in the modern era. */
  result(result: Json, headers: Json = {}): void {
    this.json({ jsonrpc: "2.0", id: this.message.id, result: this.complete(result) }, 200, headers);
  }

  error(code: number, message: string, data?: unknown, status = 200): void {
    const error = { code, message, ...(data !== undefined && { data }) };
    this.json({ jsonrpc: "2.0", id: this.message.id, error }, status);
  }

  /** Any body as JSON. */
  json(body: unknown, status = 200, headers: Json = {}): void {
    this.text(JSON.stringify(body), status, { "content-type": "application/json", ...headers });
  }

  text(body: string, status = 200, headers: Json = {}): void {
    this.response.writeHead(status, {
      "content-length": Buffer.byteLength(body),
      ...(headers as Record<string, string>),
    });
    this.response.end(body);
  }

  /** Bytes past node:http: the socket is the server's from here on. */
  bytes(text: string): Socket {
    const { socket } = this;
    this.response.detachSocket(socket);
    socket.write(text);
    return socket;
  }

  /** Opens an event stream. */
  stream(headers: Json = {}): EventStream {
    this.response.writeHead(200, {
      "content-type": "text/event-stream",
      ...(headers as Record<string, string>),
    });
    this.response.flushHeaders();
    return new EventStream(this.response);
  }

  /** Cuts the connection. */
  die(): void {
    this.socket.destroy();
  }

  /** What a complete result holds beside its own members; the legacy era has none of it. */
  complete(result: Json): Json {
    if (this.server.era === "legacy") return result;
    return { resultType: "complete", ttlMs: 0, cacheScope: "private", ...result };
  }
}

/** An event stream that may say anything. */
export class EventStream {
  readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
  }

  /** One event whose data is this message; `more` are further lines, such as `id: 7`. */
  message(message: unknown, ...more: readonly string[]): void {
    this.write(`${more.map((line) => `${line}\n`).join("")}data: ${JSON.stringify(message)}\n\n`);
  }

  notify(method: string, params: Json): void {
    this.message({ jsonrpc: "2.0", method, params });
  }

  write(text: string): void {
    this.response.write(text);
  }

  end(): void {
    this.response.end();
  }

  /** Repeats something until the client goes away. */
  endlessly(act: (count: number) => void, everyMs: number): void {
    let count = 0;
    const timer = setInterval(() => act(count++), everyMs);
    this.response.once("close", () => clearInterval(timer));
  }
}

export interface ScriptedServerOptions {
  readonly era: "modern" | "legacy";
  readonly script?: Script;
  /** The tools of its list. Default: one named "work". */
  readonly tools?: readonly Json[];
  /** Legacy: opens a session with this id. */
  readonly session?: string;
}

export const work = { name: "work", inputSchema: { type: "object" } };

/** A server that is correct but for what a test scripts. */
export class ScriptedServer {
  readonly era: "modern" | "legacy";
  /** What arrived, in order. */
  readonly received: ReceivedRequest[] = [];
  readonly #options: ScriptedServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: ScriptedServerOptions) {
    this.era = options.era;
    this.#options = options;
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
      void this.#serve(incoming, response);
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(options: ScriptedServerOptions): Promise<ScriptedServer> {
    const server = new ScriptedServer(options);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How many requests of this method came. */
  count(name: string): number {
    return this.received.filter((request) => request.name === name).length;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    incoming.setEncoding("utf8");
    try {
      for await (const chunk of incoming) body += chunk;
    } catch {
      return;
    }
    const request = new ReceivedRequest(this, incoming, response, body);
    this.received.push(request);
    const scripted = this.#options.script?.[request.name];
    await (scripted ?? goodAnswers[request.name] ?? notFound)(request);
  }

  get tools(): readonly Json[] {
    return this.#options.tools ?? [work];
  }

  get session(): string | undefined {
    return this.#options.session;
  }
}

const capabilities = {
  tools: { listChanged: true },
  prompts: {},
  resources: { subscribe: true },
  logging: {},
};

const goodAnswers: Script = {
  "server/discover": (request) => {
    if (request.server.era === "legacy") return request.text("no such thing", 400);
    request.result({ supportedVersions: ["2026-07-28"], capabilities });
  },
  initialize: (request) => {
    const { session } = request.server;
    request.result(
      {
        protocolVersion: "2025-11-25",
        capabilities,
        serverInfo: { name: "scripted", version: "1.0.0" },
      },
      session === undefined ? {} : { "mcp-session-id": session },
    );
  },
  "notifications/initialized": (request) => request.text("", 202),
  "notifications/cancelled": (request) => request.text("", 202),
  response: (request) => request.text("", 202),
  "tools/list": (request) => request.result({ tools: request.server.tools }),
  "tools/call": (request) => request.result({ content: [{ type: "text", text: "done" }] }),
  ping: (request) => request.result({}),
  GET: (request) => request.text("", 405),
  DELETE: (request) => request.text("", 200),
};

const notFound: Answer = (request) => request.error(-32601, "Method not found", undefined, 404);
