import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as a scripted peer sees it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body of a form. */
  readonly form: URLSearchParams;
}

/** An object as body goes out as JSON, a text as it is. */
export interface ScriptedReply {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
}

/** What a path answers. */
export type ScriptedRoute = (request: ReceivedRequest) => ScriptedReply | Promise<ScriptedReply>;

/** A real HTTP server on this machine whose answers a test scripts. */
export interface ScriptedPeer {
  readonly origin: string;
  /** Every request, in order. */
  readonly received: readonly ReceivedRequest[];
  /** By path; a later one replaces an earlier one. */
  route(path: string, route: ScriptedRoute): void;
  /** How often this path was asked for, with this grant where it says one. */
  count(path: string, grantType?: string): number;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/** Starts a peer on a free port of 127.0.0.1. What has no route is a 404; a route that throws is a 500. */
export async function startScriptedPeer(): Promise<ScriptedPeer> {
  const received: ReceivedRequest[] = [];
  const routes = new Map<string, ScriptedRoute>();
  const server = createServer((request, response) => {
    void read(request)
      .then(async (one): Promise<ScriptedReply> => {
        received.push(one);
        return (await routes.get(one.path)?.(one)) ?? { status: 404, body: "not here" };
      })
      .catch((error: unknown): ScriptedReply => ({ status: 500, body: String(error) }))
      .then(({ status = 200, headers, body }) => {
        const isText = typeof body === "string";
        response.writeHead(status, {
          "content-type": isText ? "text/plain" : "application/json",
          ...headers,
        });
        response.end(isText ? body : body === undefined ? "" : JSON.stringify(body));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    route: (path, route) => void routes.set(path, route),
    count: (path, grantType) =>
      received.filter(
        (one) =>
          one.path === path &&
          (grantType === undefined || one.form.get("grant_type") === grantType),
      ).length,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const url = new URL(request.url ?? "/", "http://peer");
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    text,
    form: new URLSearchParams(text),
  };
}
