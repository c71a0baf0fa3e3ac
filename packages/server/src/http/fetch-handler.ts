import { parseError } from "@backplane/protocol";
import type { Caller } from "../caller.ts";
import { type AnswerText, LargeText } from "../large-text.ts";
import { encodeFailure } from "../response-encoder.ts";
import type { HttpEndpoint } from "./endpoint.ts";
import { BODY_CONSUMED, type HttpExchange, type SseEvent, type SseStream } from "./exchange.ts";
import { formatEvent, KEEP_ALIVE_MS, SSE_HEADERS } from "./sse.ts";

/** What `server.handler` is: the endpoint over the web's own types. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** The MCP endpoint as a function of a web `Request`. The portable path: any runtime, any framework. */
export function createFetchHandler(endpoint: HttpEndpoint): FetchHandler {
  return (request) =>
    new Promise((resolve) => {
      const exchange = new FetchExchange(request, resolve, endpoint.limits.maxQueuedBytes);
      if (request.method === "POST") {
        post(endpoint, exchange, request).catch((error: unknown) =>
          endpoint.crashed(exchange, error),
        );
      } else endpoint.other(exchange);
    });
}

async function post(
  endpoint: HttpEndpoint,
  exchange: FetchExchange,
  request: Request,
): Promise<void> {
  if (!(await endpoint.admit(exchange))) return;
  if (request.bodyUsed) {
    endpoint.bodyMissing(exchange);
    return;
  }
  let text: string | undefined;
  try {
    text = await readBody(request, endpoint.limits.maxBodyBytes);
  } catch {
    // The client went away while it sent: nobody waits for this answer, but the handler's promise settles.
    exchange.respond(400, encodeFailure(undefined, parseError().toErrorObject()));
    return;
  }
  if (text === undefined) endpoint.tooLarge(exchange);
  else endpoint.postText(exchange, text);
}

/** @returns undefined when the body passes the limit; the rest is not read. */
async function readBody(request: Request, maxBodyBytes: number): Promise<string | undefined> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBodyBytes) return undefined;
  if (request.body === null) return "";
  const reader = request.body.getReader();
  // JSON begins without a byte order mark (RFC 8259, 8.1): one that was sent is an error here as on Node.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > maxBodyBytes) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** An exchange over the web's own types. */
export class FetchExchange implements HttpExchange {
  readonly kind = "http";
  // A web `Request` does not say who sent it, so nobody's word about it can be trusted.
  readonly remoteAddress: string | undefined = undefined;
  readonly forwardedHost: string | undefined = undefined;
  readonly forwardedOrigin: string | undefined = undefined;
  readonly #request: Request;
  readonly #resolve: (response: Response) => void;
  readonly #maxQueuedBytes: number;
  status: number | undefined = undefined;
  caller: Caller | undefined = undefined;
  extraHeaders: Readonly<Record<string, string>> | undefined = undefined;

  constructor(request: Request, resolve: (response: Response) => void, maxQueuedBytes: number) {
    this.#request = request;
    this.#resolve = resolve;
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    const { pathname, search } = new URL(this.#request.url);
    return pathname + search;
  }

  get scheme(): "http" | "https" {
    return new URL(this.#request.url).protocol === "https:" ? "https" : "http";
  }

  header(name: string): string | undefined {
    const value = this.#request.headers.get(name);
    if (value !== null) return value;
    // A request made in code has no Host of its own: its URL says it.
    return name === "host" ? new URL(this.#request.url).host : undefined;
  }

  respond(
    status: number,
    answer: AnswerText | Uint8Array | undefined,
    headers?: Readonly<Record<string, string>>,
  ): void {
    if (this.status !== undefined) return;
    const body = answer instanceof LargeText ? streamOf(answer) : answer;
    // Made first: for headers that HTTP cannot carry it throws, and then another answer must follow.
    const response = new Response((body ?? null) as string | null, {
      status,
      headers: {
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
        ...this.extraHeaders,
      },
    });
    this.status = status;
    this.#resolve(response);
  }

  readText(maxBytes: number): Promise<string | undefined> {
    return this.#request.bodyUsed
      ? Promise.reject(new Error(BODY_CONSUMED))
      : readBody(this.#request, maxBytes);
  }

  openStream(headers?: Readonly<Record<string, string>>): SseStream {
    // Made first, as above.
    const all = new Headers({ ...SSE_HEADERS, ...headers, ...this.extraHeaders });
    this.status = 200;
    const stream = new FetchSseStream(this.#maxQueuedBytes);
    this.#disconnected = stream.cancelled;
    for (const listener of this.#listeners) stream.cancelled(listener);
    // Not every runtime cancels the body of a response that it could not deliver.
    this.onDisconnect(() => stream.close());
    this.#resolve(new Response(stream.readable, { status: 200, headers: all }));
    return stream;
  }

  readonly #listeners: (() => void)[] = [];
  #disconnected: ((listener: () => void) => void) | undefined;

  /** The request's own signal where the runtime gives one, and the cancellation of the body's reader. */
  onDisconnect(listener: () => void): void {
    if (this.#disconnected === undefined) this.#listeners.push(listener);
    else this.#disconnected(listener);
    const { signal } = this.#request;
    if (signal.aborted) queueMicrotask(listener);
    else signal.addEventListener("abort", () => listener(), { once: true });
  }
}

/** Each piece is made when the reader asks for it. */
function streamOf(text: LargeText): ReadableStream<Uint8Array> {
  const pieces = text.pieces();
  return new ReadableStream(
    {
      pull: (controller) => {
        const { done, value } = pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void pieces.return(),
    },
    { highWaterMark: 0 },
  );
}

class FetchSseStream implements SseStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #maxQueuedBytes: number;
  readonly #keepAlive: ReturnType<typeof setInterval>;
  readonly #onCancel: (() => void)[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Of the last message, where it is large. */
  #pieces: Generator<Uint8Array, void> | undefined;

  constructor(maxQueuedBytes: number) {
    this.#maxQueuedBytes = maxQueuedBytes;
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#more(),
        cancel: () => this.#cancel(),
      },
      { highWaterMark: maxQueuedBytes, size: (chunk) => chunk.byteLength },
    );
    this.#keepAlive = setInterval(() => this.send({}), KEEP_ALIVE_MS);
    (this.#keepAlive as { unref?: () => void }).unref?.();
  }

  /** Registers what to call when the reader goes away. */
  readonly cancelled = (listener: () => void): void => {
    this.#onCancel.push(listener);
  };

  get closed(): boolean {
    return this.#controller === undefined;
  }

  send(event: SseEvent): void {
    if (this.#controller === undefined) return;
    // What is queued decides, not what comes: one message larger than the bound can still be sent.
    if (this.queuedBytes > this.#maxQueuedBytes) {
      this.#controller.error(new Error(`the reader fell ${this.#maxQueuedBytes} bytes behind`));
      this.#cancel();
    } else this.#controller.enqueue(this.#encoder.encode(formatEvent(event)));
  }

  get queuedBytes(): number {
    return this.#maxQueuedBytes - (this.#controller?.desiredSize ?? this.#maxQueuedBytes);
  }

  finish(data: LargeText): void {
    // Nothing may come between its pieces.
    clearInterval(this.#keepAlive);
    this.#pieces = data.within("data: ", "\n\n").pieces();
    this.#more();
  }

  /** Whenever there is room in the queue; the first time, because a reader that waits asked long ago. */
  #more(): void {
    if (this.#pieces === undefined || this.#controller === undefined) return;
    const { done, value } = this.#pieces.next();
    if (done === true) this.close();
    else this.#controller.enqueue(value);
  }

  close(): void {
    clearInterval(this.#keepAlive);
    this.#controller?.close();
    this.#controller = undefined;
  }

  #cancel(): void {
    clearInterval(this.#keepAlive);
    this.#controller = undefined;
    this.#pieces?.return();
    for (const listener of this.#onCancel) listener();
  }
}
