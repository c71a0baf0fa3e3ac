import { type Dispatcher, Pool } from "undici";
import type {
  HttpExchange,
  HttpRequest,
  HttpSender,
  HttpSenderOptions,
  HttpSink,
  ResponseHeaders,
} from "./http-sender.ts";

/** Sends through undici: own pools for one origin, opened with the first request, or a given dispatcher. */
export function createHttpSender(options: HttpSenderOptions): HttpSender {
  return new UndiciSender(options);
}

class UndiciSender implements HttpSender {
  readonly #options: HttpSenderOptions;
  #pool: Pool | undefined = undefined;
  /** So that open streams never use up the connections of calls. */
  #apart: Pool | undefined = undefined;

  constructor(options: HttpSenderOptions) {
    this.#options = options;
  }

  send(request: HttpRequest, sink: HttpSink): HttpExchange {
    const { target } = request;
    const handler = new UndiciExchange(sink);
    const options: Dispatcher.DispatchOptions = {
      origin: target.origin,
      path: target.path,
      method: request.method,
      headers: request.headers as string[],
      body: request.body ?? null,
      // Deadlines belong to the request above this one, and a stream may be silent for long.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    try {
      this.#dispatcher(request.apart).dispatch(options, handler);
    } catch (error) {
      handler.refused(error);
    }
    handler.dispatched();
    return handler;
  }

  async close(): Promise<void> {
    const pools = [this.#pool, this.#apart];
    this.#pool = undefined;
    this.#apart = undefined;
    await Promise.all(pools.map((pool) => pool?.destroy()));
  }

  #dispatcher(apart: boolean): Dispatcher {
    if (this.#options.dispatcher !== undefined) return this.#options.dispatcher;
    if (!apart) {
      this.#pool ??= this.#open(this.#options.maxSockets);
      return this.#pool;
    }
    this.#apart ??= this.#open(null);
    return this.#apart;
  }

  #open(connections: number | null): Pool {
    const { origin, connectTimeoutMs, keepAliveTimeoutMs } = this.#options;
    return new Pool(origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: connectTimeoutMs },
      keepAliveTimeout: keepAliveTimeoutMs,
    });
  }
}

/** undici's handler of one request, which is all that a request needs: no stream, no signal, no closure. */
class UndiciExchange implements Dispatcher.DispatchHandler, HttpExchange {
  readonly #sink: HttpSink;
  #controller: Dispatcher.DispatchController | undefined = undefined;
  #ended = false;
  #dispatching = true;

  constructor(sink: HttpSink) {
    this.#sink = sink;
  }

  /** `dispatch` has returned: from here on the sink may be called. */
  dispatched(): void {
    this.#dispatching = false;
  }

  /** A dispatcher threw where undici's own report. */
  refused(error: unknown): void {
    queueMicrotask(() => this.#fail(error));
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller?.abort(new Error("the request was given up"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It may have been given up while it waited for a connection.
    if (this.#ended) controller.abort(new Error("the request was given up"));
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHeaders,
  ): void {
    // Informational answers come before the real one (RFC 9110, 15.2).
    if (!this.#ended && status >= 200) this.#sink.onHead(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (!this.#ended) this.#sink.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    // It knows the socket and so the requests to come: with it, this one would live as long as they.
    this.#controller = undefined;
    this.#sink.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#ended) return;
    // What dispatch itself refuses is reported inside of it.
    if (this.#dispatching) this.refused(error);
    else this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const invalid = (error as { code?: unknown } | undefined)?.code === "UND_ERR_INVALID_ARG";
    const stage = this.#controller === undefined ? "unsent" : "sent";
    this.#sink.onError(error, invalid ? "invalid" : stage);
  }
}
