import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Logger, systemClock } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";
import type { OutgoingRequest, ResponseReceiver, TransportEvents } from "../transport.ts";
import type { LoadHttpSender } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";

/** Both implementations of HTTP: the same tests run on each. */
export const SENDERS: readonly (readonly [string, LoadHttpSender])[] = [
  ["undici", () => import("./undici-sender.ts")],
  ["fetch", () => import("./fetch-sender.ts")],
];

/** Longest wait for anything: past it a test has hung. */
const HANG_MS = 10_000;

/** One request as the server got it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly socket: Socket;
  readonly atMs: number;
}

/** What the server does with one request. `write` and `end` of the socket misbehave at will. */
export type Script = (seen: Seen, response: ServerResponse, index: number) => void;

/** A real HTTP server that does what a script says. */
export class ScriptedServer {
  readonly seen: Seen[] = [];
  /** Connections so far. */
  sockets = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(script: Script): Promise<ScriptedServer> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers, socket } = request;
        const body = Buffer.concat(chunks).toString();
        const seen = { method, url, headers, body, socket, atMs: performance.now() };
        opened.seen.push(seen);
        script(seen, response, opened.seen.length - 1);
      });
    });
    const opened = new ScriptedServer(server);
    server.on("connection", () => opened.sockets++);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return opened;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/mcp`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, "close");
  }
}

/** The response to the request in a body. */
export function answerTo({ body }: Seen, result: object = {}): string {
  const { id } = JSON.parse(body) as { id: number };
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

/** An SSE event. */
export function event(data: string, fields: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  return `${lines.join("")}data: ${data}\n\n`;
}

export function json(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}

export function stream(response: ServerResponse): ServerResponse {
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  return response;
}

/** A request with the id 1. */
export function ping(more: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const id = more.id ?? 1;
  const text = JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
  return { id, method: "ping", text, headers: [], ...more };
}

/** Keeps what a request's receiver is told. */
export class Recorder implements ResponseReceiver {
  readonly messages: unknown[] = [];
  readonly sessions: string[] = [];
  readonly statuses: (readonly [number, number | undefined])[] = [];
  failure: MCPClientError | undefined = undefined;
  failures = 0;

  onSession(id: string): void {
    this.sessions.push(id);
  }

  onStatus(status: number, retryAfterMs: number | undefined): void {
    this.statuses.push([status, retryAfterMs]);
  }

  onMessage(message: unknown): void {
    this.messages.push(message);
  }

  onFailure(error: MCPClientError): void {
    this.failures++;
    this.failure = error;
  }

  /** The messages, when there are `count`. */
  async received(count = 1): Promise<readonly unknown[]> {
    await until(() => this.messages.length >= count || this.failure !== undefined);
    if (this.failure !== undefined) throw this.failure;
    return this.messages;
  }

  async failed(): Promise<MCPClientError> {
    await until(() => this.failure !== undefined);
    return this.failure as MCPClientError;
  }
}

/** Keeps what a transport tells beside the answers. */
export class EventLog implements TransportEvents {
  readonly messages: unknown[] = [];
  readonly states: string[] = [];
  readonly errors: (MCPClientError | undefined)[] = [];
  closed: MCPClientError | undefined = undefined;

  onMessage(message: unknown): void {
    this.messages.push(message);
  }

  onClose(error: MCPClientError): void {
    this.closed = error;
  }

  onServerStream(state: string, error: MCPClientError | undefined): void {
    this.states.push(state);
    this.errors.push(error);
  }
}

/** Waits for something that will come true. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + HANG_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error("what was waited for did not come");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export function optionsFor(
  url: string,
  more: Partial<HttpTransportOptions> = {},
): HttpTransportOptions {
  return {
    url,
    headers: {},
    auth: undefined,
    dispatcher: undefined,
    maxSockets: 64,
    connectTimeoutMs: 5_000,
    keepAliveTimeoutMs: 4_000,
    endSessionTimeoutMs: 1_000,
    limits: { maxResponseBytes: 256 * 1024, maxJsonDepth: 16, maxStreamEvents: 100 },
    reconnect: { maxAttempts: 3, initialDelayMs: 4, maxDelayMs: 20, budgetMs: 5_000 },
    logger: SILENT,
    clock: systemClock,
    random: Math.random,
    ...more,
  };
}
