import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A request as a scripted peer sees it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body of a form. */
  readonly form: URLSearchParams;
}

/** An object as body goes out as JSON, a text as it is. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
}

export type Route = (request: Received) => Reply | Promise<Reply>;

/** A real HTTP server on this machine whose answers a test scripts; it ends with the test. */
export interface HttpPeer {
  readonly origin: string;
  readonly received: readonly Received[];
  /** By path; a later one replaces an earlier one. */
  route(path: string, route: Route): void;
  /** How often this path was asked for, with this grant where it says one. */
  count(path: string, grantType?: string): number;
}

export async function startPeer(): Promise<HttpPeer> {
  const received: Received[] = [];
  const routes = new Map<string, Route>();
  const server = createServer((request, response) => {
    void read(request).then(async (one) => {
      received.push(one);
      const reply = (await routes.get(one.path)?.(one)) ?? { status: 404, body: "not here" };
      const isText = typeof reply.body === "string";
      response.writeHead(reply.status ?? 200, {
        "content-type": isText ? "text/plain" : "application/json",
        ...reply.headers,
      });
      response.end(
        isText ? reply.body : reply.body === undefined ? "" : JSON.stringify(reply.body),
      );
    });
  });
  const origin = await listen(server);
  return {
    origin,
    received,
    route: (path, route) => void routes.set(path, route),
    count: (path, grantType) =>
      received.filter(
        (one) =>
          one.path === path &&
          (grantType === undefined || one.form.get("grant_type") === grantType),
      ).length,
  };
}

async function read(request: IncomingMessage): Promise<Received> {
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

/** Listens on this machine at a free port. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
