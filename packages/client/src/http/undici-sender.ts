import { type Client, type Dispatcher, Pool } from "undici";
import type {
  HttpExchange,
  HttpRequest,
  HttpSender,
  HttpSenderOptions,
  HttpSink,
  ResponseHeaders,
} from "./http-sender.ts";
import { type ConnectionUser, SingleConnection } from "./single-connection.ts";

/** Sends through undici: own pools for one origin, opened with the first request, or a given dispatcher. */
export function createHttpSender(options: HttpSenderOptions): HttpSender {
  return new UndiciSender(options);
}

class UndiciSender implements HttpSender {
  readonly #options: HttpSenderOptions;
  /** Of calls, when there may be but one. */
  #single: SingleConnection | undefined = undefined;
  #pool: Pool | undefined = undefined;
  /** So that open streams never use up the connections of calls. */
  #apart: Pool | undefined = undefined;

  constructor(options: HttpSenderOptions) {
    this.#options = options;
  }

  send(request: HttpRequest, sink: HttpSink): HttpExchange {
    const { target } = request;
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
    const { dispatcher, maxSockets } = this.#options;
    if (dispatcher === undefined && maxSockets === 1 && !request.apart) {
      this.#single ??= new SingleConnection(this.#options.origin, this.#connectionOptions());
      const exchange = new UndiciExchange(sink, this.#single);
      this.#single.send(options, exchange);
      return exchange;
    }
    const exchange = new UndiciExchange(sink, undefined);
    exchange.dispatchTo(this.#dispatcher(request.apart), options);
    return exchange;
  }

  async close(): Promise<void> {
    const opened = [this.#single, this.#pool, this.#apart];
    this.#single = undefined;
    this.#pool = undefined;
    this.#apart = undefined;
    await Promise.all(opened.map((each) => each?.destroy()));
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
    return new Pool(this.#options.origin, { ...this.#connectionOptions(), connections });
  }

  #connectionOptions(): Client.Options {
    const { connectTimeoutMs, keepAliveTimeoutMs } = this.#options;
    return {
      pipelining: 1,
      allowH2: false,
      connect: { timeout: connectTimeoutMs },
      keepAliveTimeout: keepAliveTimeoutMs,
    };
  }
}

/** undici's handler of one request, which is all that a request needs: no stream, no signal, no closure. */
class UndiciExchange implements Dispatcher.DispatchHandler, HttpExchange, ConnectionUser {
  readonly #sink: HttpSink;
  readonly #connection: SingleConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined = undefined;
  #ended = false;
  #dispatched = false;
  #dispatching = false;

  constructor(sink: HttpSink, connection: SingleConnection | undefined) {
    this.#sink = sink;
    this.#connection = connection;
  }

  get over(): boolean {
    return this.#ended;
  }

  /** The sink is not called in here. */
  dispatchTo(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): void {
    this.#dispatched = true;
    this.#dispatching = true;
    try {
      dispatcher.dispatch(options, this);
    } catch (error) {
      // A dispatcher threw where undici's own report.
      this.#refused(error);
    }
    this.#dispatching = false;
  }

  abort(): void {
    if (!this.#end()) return;
    if (this.#dispatched) this.#connection?.ended();
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
    if (!this.#end()) return;
    // It knows the socket and so the requests to come: with it, this one would live as long as they.
    this.#controller = undefined;
    this.#connection?.ended();
    this.#sink.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#ended) return;
    // What dispatch itself refuses is reported inside of it.
    if (this.#dispatching) this.#refused(error);
    else this.#fail(error);
  }

  #refused(error: unknown): void {
    queueMicrotask(() => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (!this.#end()) return;
    const invalid = (error as { code?: unknown } | undefined)?.code === "UND_ERR_INVALID_ARG";
    const stage = this.#controller === undefined ? "unsent" : "sent";
    this.#connection?.ended();
    this.#sink.onError(error, invalid ? "invalid" : stage);
  }

  /** @returns whether this was the end. */
  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    return true;
  }
}
