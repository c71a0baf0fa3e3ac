import type {
  HttpExchange,
  HttpRequest,
  HttpSender,
  HttpSenderOptions,
  HttpSink,
  ResponseHeaders,
} from "./http-sender.ts";

/**
 * Sends through the runtime's `fetch`, which owns the connections.
 * @throws {TypeError} when a dispatcher is given: only undici has one.
 */
export function createHttpSender(options: HttpSenderOptions): HttpSender {
  if (options.dispatcher !== undefined) {
    throw new TypeError("dispatcher needs undici, which this runtime lacks; leave it out");
  }
  return { send: sendByFetch, close: async () => {} };
}

function sendByFetch(request: HttpRequest, sink: HttpSink): HttpExchange {
  const exchange = new FetchExchange(sink);
  void exchange.run(request);
  return exchange;
}

class FetchExchange implements HttpExchange {
  readonly #sink: HttpSink;
  readonly #controller = new AbortController();

  constructor(sink: HttpSink) {
    this.#sink = sink;
  }

  abort(): void {
    this.#controller.abort();
  }

  async run(request: HttpRequest): Promise<void> {
    const { signal } = this.#controller;
    const prepared = prepare(request, signal);
    if (prepared instanceof Error) {
      await Promise.resolve();
      if (!signal.aborted) this.#sink.onError(prepared, "invalid");
      return;
    }
    try {
      const response = await fetch(prepared);
      if (signal.aborted) return;
      // A browser hides what stands behind a redirect that is not followed, its status included.
      const status = response.type === "opaqueredirect" ? 302 : response.status;
      this.#sink.onHead(status, headersOf(response));
      await this.#read(response.body);
    } catch (error) {
      if (!signal.aborted) this.#sink.onError(error, "unknown");
      return;
    }
    if (!signal.aborted) this.#sink.onEnd();
  }

  async #read(body: ReadableStream<Uint8Array> | null): Promise<void> {
    if (body === null) return;
    const reader = body.getReader();
    while (!this.#controller.signal.aborted) {
      const { done, value } = await reader.read();
      if (done || this.#controller.signal.aborted) return;
      this.#sink.onData(value);
    }
  }
}

function prepare(request: HttpRequest, signal: AbortSignal): Request | Error {
  try {
    const headers = new Headers();
    for (let index = 0; index < request.headers.length; index += 2) {
      append(headers, request.headers[index] as string, request.headers[index + 1] as string);
    }
    return new Request(request.target.href, {
      method: request.method,
      headers,
      body: request.body ?? null,
      // Credentials are headers, and headers must not follow the request to another place.
      redirect: "manual",
      signal,
    });
  } catch (error) {
    return error as Error;
  }
}

function append(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value);
  } catch {
    // The runtime's message may quote the value, which may be a credential.
    throw new TypeError(`invalid ${name} header`);
  }
}

function headersOf(response: Response): ResponseHeaders {
  const headers: Record<string, string> = Object.fromEntries(response.headers);
  // `fetch` has undone the encoding, so that neither says anything of the body that arrives.
  if (headers["content-encoding"] !== undefined) {
    delete headers["content-encoding"];
    delete headers["content-length"];
  }
  return headers;
}
