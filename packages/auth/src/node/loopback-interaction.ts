import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkMembers, wholeNumber } from "@backplane/protocol";
import type { CallbackParameters, UserInteraction } from "../client/user-interaction.ts";

/** A listener on this machine that the browser comes back to. */
export interface LoopbackInteractionOptions {
  /** Opens the user's browser, or shows the URL. */
  readonly open: (url: string) => unknown;
  /**
   * Default 0: a port that is free. A fixed one where the authorization server knows redirect URLs with
   * their port only, such as after registration by hand.
   */
  readonly port?: number;
  /** Default: a random path, so that no other page on this machine can guess it. */
  readonly path?: string;
  /** How long a listener stays open that nobody comes to, in milliseconds. Default 300,000. */
  readonly timeoutMs?: number;
}

/** Says nothing but that the window may be closed: what came with the request stays out of the page. */
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Back to the application</title></head><body><p>You can close this window.</p></body></html>`;

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  // The URL holds the code.
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  connection: "close",
};

const HOST = "127.0.0.1";

/** One redirect URL that is used once. */
interface Listener {
  readonly server: Server;
  readonly path: string;
  readonly port: number;
  /** What the request must carry; known once the authorization begins. */
  state: string | undefined;
  arrived: (parameters: URLSearchParams) => void;
}

/**
 * The user's way back to a program on their own machine (RFC 8252, 7.3): each authorization has a listener
 * of its own on 127.0.0.1, which takes one redirect with the right `state` and closes.
 *
 * @throws {TypeError} when an option is unknown or illegal.
 */
export function createLoopbackInteraction(options: LoopbackInteractionOptions): UserInteraction {
  const subject = "createLoopbackInteraction";
  checkMembers(subject, options, ["open", "port", "path", "timeoutMs"]);
  const { open, port = 0, path } = options;
  if (typeof open !== "function") {
    throw new TypeError(
      `${subject}: option "open" must be a function that shows a URL to the user`,
    );
  }
  if (path !== undefined && !/^\/[\w./~-]*$/.test(path)) {
    throw new TypeError(`${subject}: option "path" must be a path such as "/callback"`);
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`${subject}: option "port" must be 0 to 65535, not ${String(port)}`);
  }
  const timeoutMs = wholeNumber(subject, "timeoutMs", options.timeoutMs ?? 300_000);
  const listeners = new Map<string, Listener>();

  return {
    async redirectUrl() {
      const listener = await listen(port, path ?? `/${randomUUID()}`);
      const url = `http://${HOST}:${listener.port}${listener.path}`;
      listeners.set(url, listener);
      const timer = setTimeout(() => listener.server.close(), timeoutMs).unref();
      listener.server.once("close", () => {
        clearTimeout(timer);
        listeners.delete(url);
      });
      return url;
    },

    async authorize(url, { signal }) {
      const listener = listeners.get(url.searchParams.get("redirect_uri") ?? "");
      if (listener === undefined) throw new Error("The listener for the redirect is closed");
      const { server } = listener;
      listener.state = url.searchParams.get("state") ?? undefined;
      // Only now somebody waits for it.
      server.ref();
      try {
        return await new Promise<CallbackParameters>((resolve, reject) => {
          listener.arrived = resolve;
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          server.once("close", () => reject(new Error("Nobody came back in time")));
          Promise.resolve(open(url.href)).catch(reject);
        });
      } finally {
        server.close();
      }
    },
  };
}

async function listen(port: number, path: string): Promise<Listener> {
  const server = createServer((request, response) => answer(listener, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  server.unref();
  const bound = (server.address() as AddressInfo).port;
  const listener: Listener = { server, path, port: bound, state: undefined, arrived: () => {} };
  return listener;
}

function answer(listener: Listener, request: IncomingMessage, response: ServerResponse): void {
  const { path, port, state } = listener;
  const url = new URL(request.url ?? "/", `http://${HOST}:${port}`);
  // Another name that leads here is a page that wants to look in (DNS rebinding).
  const isOwn = request.headers.host === `${HOST}:${port}` && url.pathname === path;
  if (!isOwn || request.method !== "GET") {
    response.writeHead(404, { ...HEADERS, "content-type": "text/plain" }).end("Not found");
    return;
  }
  if (state === undefined || url.searchParams.get("state") !== state) {
    // Anybody on this machine can ask; it must not end the wait.
    response.writeHead(400, { ...HEADERS, "content-type": "text/plain" }).end("Not expected");
    return;
  }
  listener.state = undefined;
  response.writeHead(200, HEADERS).end(PAGE, () => listener.arrived(url.searchParams));
}
