import type { ServerResponse } from "node:http";
import type { Seen } from "./http/http-rig.test-support.ts";
import { ScriptedServer } from "./http/http-rig.test-support.ts";

/** One MCP request as the scripted server got it. */
export interface SeenRequest {
  readonly id: number | string | undefined;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly headers: Seen["headers"];
  /** The HTTP method: GET and DELETE have no message. */
  readonly verb: string;
}

/** What the server does with one method: a result, or whatever it writes itself (then undefined). */
export type Answer = (
  request: SeenRequest,
  response: ServerResponse,
  /** How often the method was asked before. */
  times: number,
) => object | undefined;

/** A real HTTP server of one era that answers as the test says. */
export class ScriptedMCP {
  readonly requests: SeenRequest[] = [];
  /** The client's responses to the server's own requests. */
  readonly answers: object[] = [];
  readonly #http: ScriptedServer;
  /** Requests whose connection ended before their answer. */
  readonly cut: SeenRequest[] = [];

  private constructor(http: ScriptedServer) {
    this.#http = http;
  }

  static async open(
    answers: Readonly<Record<string, Answer>>,
    era: "modern" | "legacy" = "modern",
  ): Promise<ScriptedMCP> {
    const all = { ...(era === "modern" ? MODERN : LEGACY), ...answers };
    let opened: ScriptedMCP | undefined;
    const http = await ScriptedServer.open(({ method: verb, headers, body }, response) => {
      const message = body === "" ? {} : JSON.parse(body);
      const method = message.method ?? verb;
      const request = { id: message.id, method, params: message.params ?? {}, headers, verb };
      const mcp = opened as ScriptedMCP;
      const times = mcp.count(method);
      if (message.result !== undefined) {
        mcp.answers.push({ id: message.id, result: message.result });
        response.writeHead(202).end();
        return;
      }
      mcp.requests.push(request);
      response.on("close", () => {
        if (!response.writableFinished) mcp.cut.push(request);
      });
      const answer = all[method];
      if (answer === undefined) {
        if (message.id === undefined) response.writeHead(verb === "POST" ? 202 : 405).end();
        else fail(response, request, -32601, "Method not found");
        return;
      }
      const result = answer(request, response, times);
      if (result !== undefined) succeed(response, request, result);
    });
    opened = new ScriptedMCP(http);
    return opened;
  }

  get url(): string {
    return this.#http.url;
  }

  /** How often a method was asked. */
  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** The requests of a method. */
  of(method: string): SeenRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

const JSON_TYPE = { "content-type": "application/json" };

/** Writes a result. */
export function succeed(response: ServerResponse, { id }: SeenRequest, result: object): void {
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ jsonrpc: "2.0", id, result }));
}

/** Writes a JSON-RPC error. */
export function fail(
  response: ServerResponse,
  { id }: SeenRequest,
  code: number,
  message: string,
  { status = 200, data, headers = {} }: { status?: number; data?: unknown; headers?: object } = {},
): undefined {
  const error = { code, message, data };
  response
    .writeHead(status, { ...JSON_TYPE, ...headers })
    .end(JSON.stringify({ jsonrpc: "2.0", id, error }));
}

/** Begins a stream of events; the function writes one message. */
export function stream(response: ServerResponse): (message: object) => void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  return (message) => {
    response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
  };
}

const CAPABILITIES = { tools: { listChanged: true }, resources: {}, prompts: {}, logging: {} };

const MODERN: Readonly<Record<string, Answer>> = {
  "server/discover": () => ({
    resultType: "complete",
    supportedVersions: ["2026-07-28"],
    capabilities: CAPABILITIES,
    ttlMs: 0,
    cacheScope: "private",
  }),
};

const LEGACY: Readonly<Record<string, Answer>> = {
  "server/discover": (request, response) =>
    fail(response, request, -32600, "Bad Request: no session", { status: 400 }),
  initialize: (request, response, times) => {
    response.setHeader("mcp-session-id", `session-${times + 1}`);
    const { protocolVersion } = request.params;
    const serverInfo = { name: "scripted", version: "1" };
    return { protocolVersion, capabilities: CAPABILITIES, serverInfo };
  },
};
