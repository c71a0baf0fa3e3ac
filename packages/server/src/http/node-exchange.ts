import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Caller } from "../caller.ts";
import { type AnswerText, LargeText } from "../large-text.ts";
import { BODY_CONSUMED, type HttpExchange, type SseEvent, type SseStream } from "./exchange.ts";
import { formatEvent, KEEP_ALIVE_MS, SSE_HEADERS } from "./sse.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { writePieces } from "./write-pieces.ts";

/** Characters from which on it pays to encode an answer here. */
const LONG_ANSWER = 64 * 1024;

/** How long a client may leave an answer unread, without taking a single byte of it. */
const STALLED_READER_MS = 60_000;

const CLOSED_STREAM: SseStream = {
  send: () => {},
  finish: () => {},
  queuedBytes: 0,
  close: () => {},
  closed: true,
};

/** As most clients spell it, as HTTP/2 and `fetch` do, or in some other way. */
function isAuthorization(name: string): boolean {
  return (
    name === "Authorization" || name === "authorization" || name.toLowerCase() === "authorization"
  );
}

/** The listener that an exchange came through. */
export interface ListenerState {
  /** It closes: answers tell clients and balancers not to use their connection again. */
  readonly closing: boolean;
}

/** What an exchange knows of where it came through. */
export interface NodeExchangeSite {
  readonly maxQueuedBytes: number;
  readonly proxies: TrustedProxies | undefined;
  /** Absent where somebody else mounted the handler. */
  readonly listener?: ListenerState | undefined;
}

/** An exchange over `node:http`: the fast path. */
export class NodeExchange implements HttpExchange {
  readonly kind = "http";
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #site: NodeExchangeSite;
  readonly #headers: IncomingHttpHeaders;
  caller: Caller | undefined = undefined;
  extraHeaders: Readonly<Record<string, string>> | undefined = undefined;
  /** Whether the body was read to its announced end, which the parser may report later. */
  bodyTaken = false;

  constructor(request: IncomingMessage, response: ServerResponse, site: NodeExchangeSite) {
    this.request = request;
    this.response = response;
    this.#site = site;
    // Read once: it is a getter, and a call looks at seven headers.
    this.#headers = request.headers;
  }

  get method(): string {
    return this.request.method as string;
  }

  get path(): string {
    return this.request.url as string;
  }

  get remoteAddress(): string | undefined {
    const { proxies } = this.#site;
    const peer = this.request.socket.remoteAddress;
    return proxies === undefined ? peer : proxies.clientOf(peer, this.#reader);
  }

  get forwardedHost(): string | undefined {
    return this.#site.proxies?.hostOf(this.request.socket.remoteAddress, this.#reader);
  }

  get forwardedOrigin(): string | undefined {
    return this.#site.proxies?.originOf(this.request.socket.remoteAddress, this.#reader);
  }

  get scheme(): "http" | "https" {
    const origin = this.forwardedOrigin;
    const isSecure =
      origin === undefined
        ? (this.request.socket as Partial<TLSSocket>).encrypted === true
        : origin.startsWith("https:");
    return isSecure ? "https" : "http";
  }

  get status(): number | undefined {
    return this.response.headersSent ? this.response.statusCode : undefined;
  }

  get #reader(): (name: string) => string | undefined {
    return (name) => this.header(name);
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    if (name === "authorization" && value !== undefined) return this.#everyAuthorization();
    return typeof value === "object" ? value.join(", ") : value;
  }

  /**
   * Node keeps the first of several and drops the rest without a word; a proxy before it may have looked at
   * another one. Joined like all others they are no credential any more.
   */
  #everyAuthorization(): string | undefined {
    const { rawHeaders } = this.request;
    let all = "";
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string;
      if (name.length !== 13 || !isAuthorization(name)) continue;
      all = all === "" ? (rawHeaders[index + 1] as string) : `${all}, ${rawHeaders[index + 1]}`;
    }
    // A framework may have set the header itself.
    return all === "" ? this.#headers.authorization : all;
  }

  respond(
    status: number,
    answer: AnswerText | Uint8Array | undefined,
    headers?: Readonly<Record<string, string>>,
  ): void {
    const { response } = this;
    if (response.headersSent || response.destroyed) return;
    if (answer instanceof LargeText) {
      this.#respondInPieces(status, answer, headers);
      return;
    }
    // A long text is encoded once: Node would copy it behind its headers first, and then take three bytes for
    // each character before it knows how many they are.
    const body =
      typeof answer === "string" && answer.length >= LONG_ANSWER ? Buffer.from(answer) : answer;
    const length = body === undefined ? 0 : Buffer.byteLength(body);
    const isAscii = typeof body === "string" && body.length === length;
    const all: Record<string, string | number> =
      body === undefined
        ? // A 204 must not carry the header at all (RFC 9110, 8.6).
          status === 204
          ? {}
          : { "Content-Length": 0 }
        : { "Content-Type": "application/json", "Content-Length": length };
    this.#writeHead(status, all, headers);
    const { request } = this;
    if (this.bodyTaken || request.complete || !announcesBody(request)) this.#end(body, isAscii);
    else this.#endAfterRequest(body);
    endStalled(response);
  }

  /** Only an answer to a whole request is so large, so there is none to read to its end. */
  #respondInPieces(
    status: number,
    answer: LargeText,
    headers: Readonly<Record<string, string>> | undefined,
  ): void {
    const { response } = this;
    const { byteLength } = answer;
    const all = {
      "Content-Type": "application/json",
      ...(byteLength !== undefined && { "Content-Length": byteLength }),
    };
    this.#writeHead(status, all, headers);
    writePieces(response, answer.pieces());
    endStalled(response);
  }

  /** @param all what the answer itself needs; `headers` and those of every response are added to it. */
  #writeHead(
    status: number,
    all: Record<string, string | number>,
    headers: Readonly<Record<string, string>> | undefined,
  ): void {
    if (headers !== undefined) Object.assign(all, headers);
    if (this.extraHeaders !== undefined) Object.assign(all, this.extraHeaders);
    // Asked now, not when the request came: it may have run while the listener began to close.
    if (this.#site.listener?.closing === true) all.Connection = "close";
    this.response.writeHead(status, all);
  }

  /**
   * `response.end(body)` gives the socket two pieces, the second one empty, and Node takes memory for both and
   * joins them there; a single piece goes to the kernel from the stack, which saves a twentieth of a plain call.
   */
  #end(body: string | Uint8Array | undefined, isAscii: boolean): void {
    const { request, response } = this;
    const { socket } = response;
    // Without a socket the answer waits for an earlier one of its connection. HTTP/2 shares one among streams.
    if (body === undefined || !socket || request.httpVersionMajor !== 1) {
      response.end(body);
      return;
    }
    socket.cork();
    // The same bytes, with nothing to encode.
    if (isAscii) response.write(body, "latin1");
    else response.write(body);
    socket.uncork();
    response.end();
  }

  /**
   * Says everything now, and ends when the client has: what still comes is thrown away, for as long as a
   * request may take. A connection that is closed before resets, and the client loses the answer with it
   * (RFC 9112, 9.6).
   */
  #endAfterRequest(body: string | Uint8Array | undefined): void {
    const { request, response } = this;
    if (body === undefined) response.flushHeaders();
    else response.write(body);
    request.once("close", () => response.end());
    request.resume();
  }

  readText(maxBytes: number): Promise<string | undefined> {
    const { request } = this;
    if (request.readableEnded) {
      return Promise.reject(new Error(BODY_CONSUMED));
    }
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      request.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxBytes) chunks.push(chunk);
        else {
          request.removeAllListeners("data");
          resolve(undefined);
        }
      });
      request.once("end", () => resolve(Buffer.concat(chunks, size).toString("utf8")));
      request.once("close", () => reject(new Error("the client went away while it sent its body")));
    });
  }

  openStream(headers?: Readonly<Record<string, string>>): SseStream {
    // Whoever mounts the handler may have answered already, as a middleware's time-out does.
    if (this.response.headersSent) return CLOSED_STREAM;
    this.response.writeHead(200, {
      ...SSE_HEADERS,
      ...headers,
      ...this.extraHeaders,
      ...(this.#site.listener?.closing === true && { Connection: "close" }),
    });
    // Sent at once: a client waits for the headers before it counts the stream as open.
    this.response.flushHeaders();
    return new NodeSseStream(this.response, this.#site.maxQueuedBytes);
  }

  onDisconnect(listener: () => void): void {
    const { response } = this;
    if (response.destroyed) queueMicrotask(listener);
    else {
      response.once("close", () => {
        if (!response.writableFinished) listener();
      });
    }
  }
}

/**
 * What the kernel did not take of an ended answer stays in memory until the client reads. One that reads nothing
 * for so long never will; the clock restarts whenever something leaves, and with the next request.
 */
function endStalled(response: ServerResponse): void {
  if (response.writableLength > 0) {
    response.setTimeout(STALLED_READER_MS, () => response.destroy());
  }
}

/** RFC 9112, 6: any method may have a body. */
function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

class NodeSseStream implements SseStream {
  readonly #response: ServerResponse;
  readonly #maxQueuedBytes: number;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(response: ServerResponse, maxQueuedBytes: number) {
    this.#response = response;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#keepAlive = setInterval(() => this.send({}), KEEP_ALIVE_MS).unref();
    response.once("close", () => clearInterval(this.#keepAlive));
  }

  get closed(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }

  send(event: SseEvent): void {
    if (this.closed) {
      // A response that was gone before the stream began has no `close` to come.
      clearInterval(this.#keepAlive);
      return;
    }
    // What is queued decides, not what comes: one message larger than the bound can still be sent.
    if (this.queuedBytes > this.#maxQueuedBytes) this.#response.destroy();
    else this.#response.write(formatEvent(event));
  }

  get queuedBytes(): number {
    return this.#response.writableLength;
  }

  finish(data: LargeText): void {
    // Nothing may come between its pieces.
    clearInterval(this.#keepAlive);
    if (this.closed) return;
    writePieces(this.#response, data.within("data: ", "\n\n").pieces());
    endStalled(this.#response);
  }

  close(): void {
    clearInterval(this.#keepAlive);
    if (this.closed) return;
    this.#response.end();
    // While it is open, `maxQueuedBytes` and the number of streams bound what waits.
    endStalled(this.#response);
  }
}
