import { createServer, request as httpRequest, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import {
  HEADER_METHOD,
  HEADER_NAME,
  HEADER_PROTOCOL_VERSION,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
} from "@backplane/protocol";
import { quietServer } from "../input-peer.test-support.ts";
import type { MCPServer } from "../mcp-server.ts";
import type { MCPServerOptions } from "../options.ts";
import { type Headers, POST_HEADERS, RawResponse, send } from "./raw-client.test-support.ts";

/** Where a server was mounted. */
export interface Mounted {
  readonly url: string;
  close(): Promise<void>;
}

/** Puts a server behind real HTTP, in whatever way is under test. */
export type Mount = (server: MCPServer) => Promise<Mounted>;

/** Serves a listener on a free port. */
export async function mountListener(listener: RequestListener): Promise<Mounted> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the tools of the rig have seen. */
export interface Rig {
  readonly server: MCPServer;
  readonly url: string;
  readonly events: string[];
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was logged
  readonly logged: any[];
}

/** Mounts servers, and takes them down again. */
export class HttpRigs {
  readonly #mount: Mount;
  readonly #open: (() => Promise<unknown>)[] = [];

  constructor(mount: Mount) {
    this.#mount = mount;
  }

  async open(options: Partial<MCPServerOptions> = {}): Promise<Rig> {
    const logged: Rig["logged"] = [];
    const events: string[] = [];
    const log = (fields: object, message: string): void => void logged.push({ ...fields, message });
    const logger = { debug: log, info: log, warn: log, error: log };
    const server = quietServer(logged, { logger, ...options });
    addTools(server, events);
    const { url, close } = await this.#mount(server);
    this.#open.push(async () => {
      await server.stop();
      await close();
    });
    return { server, url, events, logged };
  }

  async close(): Promise<void> {
    for (const close of this.#open.splice(0)) await close();
  }
}

function addTools(server: MCPServer, events: string[]): void {
  server.tool("echo", { input: { type: "object" } }, (args) => JSON.stringify(args));
  server.tool("count", {}, async (_args, context) => {
    context.progress({ progress: 1, total: 2 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    context.progress({ progress: 2, total: 2 });
    return "counted";
  });
  server.tool("wait", {}, (_args, { signal }) => {
    events.push("wait started");
    return new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => {
        events.push("wait aborted");
        resolve("too late");
      });
    });
  });
  server.tool("stream_then_wait", {}, async (_args, context) => {
    context.progress(1);
    await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    events.push("stream aborted");
    return "too late";
  });
  server.tool("flood", {}, async (_args, context) => {
    const message = "x".repeat(64 * 1024);
    let sent = 0;
    // Far beyond what sockets buffer: a server that keeps everything would run through to the end.
    while (!context.signal.aborted && sent < 4_000) {
      context.progress({ progress: ++sent, message });
      await new Promise((resolve) => setImmediate(resolve));
    }
    events.push(context.signal.aborted ? "flood aborted" : "flood sent all");
    return "flooded";
  });
}

/** The message and headers of a modern `tools/call`. */
export function modernCall(
  name: string,
  args: unknown = {},
  meta: object = {},
): { readonly headers: Headers; readonly message: object } {
  return {
    headers: {
      ...POST_HEADERS,
      [HEADER_PROTOCOL_VERSION]: "2026-07-28",
      [HEADER_METHOD]: "tools/call",
      [HEADER_NAME]: name,
    },
    message: {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name,
        arguments: args,
        _meta: {
          [META_PROTOCOL_VERSION]: "2026-07-28",
          [META_CLIENT_CAPABILITIES]: {},
          ...meta,
        },
      },
    },
  };
}

export function callTool(
  url: string,
  name: string,
  args: unknown = {},
  meta: object = {},
  extra: Headers = {},
): Promise<RawResponse> {
  const { headers, message } = modernCall(name, args, meta);
  return send(url, "POST", { ...headers, ...extra }, message);
}

/** Sends a body as it is, in the chunks given. */
export function sendBody(
  url: string,
  headers: Headers,
  chunks: readonly (string | Buffer)[],
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method: "POST", agent: false, headers: defined(headers) });
    let answered = false;
    outgoing.on("response", (incoming) => {
      answered = true;
      resolve(new RawResponse(incoming));
    });
    // A server that refuses a body closes while it is still being sent.
    outgoing.on("error", (error) => {
      if (!answered) reject(error);
    });
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });
}

export function defined(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
