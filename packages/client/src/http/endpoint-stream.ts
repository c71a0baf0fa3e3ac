import { MCPClientError } from "../errors.ts";
import type { HttpCall, HttpRefusal, HttpReply } from "./http-call.ts";
import { closedError, type HttpChannel, targetOf } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpTarget, ResponseHeaders } from "./http-sender.ts";
import { parseMessage } from "./messages.ts";
import { refusalError } from "./refusal.ts";
import type { HeaderList } from "./request-headers.ts";
import { bodyKind } from "./response-head.ts";
import { isMessageEvent, type SseEvent, SseReader } from "./sse-reader.ts";

/** What the stream is made with. */
export interface EndpointStreamParts {
  readonly channel: HttpChannel;
  readonly options: HttpTransportOptions;
  readonly target: HttpTarget;
  readonly headers: HeaderList;
  onMessage(message: unknown): void;
  /** It broke after the endpoint was known. Not called after `stop`. */
  onEnded(error: MCPClientError): void;
}

/** The one stream of HTTP+SSE (2024-11-05): the endpoint first, then messages. */
export class EndpointStream implements HttpReply {
  readonly #parts: EndpointStreamParts;
  #call: HttpCall | undefined = undefined;
  #reader: SseReader | undefined = undefined;
  #opening:
    | { resolve(endpoint: HttpTarget): void; reject(error: MCPClientError): void }
    | undefined = undefined;
  #cancelTimer: (() => void) | undefined = undefined;
  #stopped = false;

  constructor(parts: EndpointStreamParts) {
    this.#parts = parts;
  }

  /** @throws {MCPClientError} */
  open(): Promise<HttpTarget> {
    const { channel, target, headers } = this.#parts;
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#call = channel.call(
        { target, method: "GET", headers, body: undefined, apart: true },
        this,
      );
    });
  }

  /** Closes it; a pending `open` rejects with `closed`. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#reader?.stop();
    this.#call?.cancel();
    this.#opening?.reject(closedError());
    this.#opening = undefined;
  }

  onHead(status: number, headers: ResponseHeaders): void {
    if (bodyKind(headers) !== "event-stream") {
      this.#fail("invalid_response", `answered ${status} without an event stream`);
      return;
    }
    const { options } = this.#parts;
    const { clock, connectTimeoutMs, limits } = options;
    this.#reader = new SseReader(limits.maxResponseBytes, (event) => this.#onEvent(event));
    this.#cancelTimer = clock.after(connectTimeoutMs, () =>
      this.#fail("invalid_response", `no endpoint event within ${connectTimeoutMs} ms`),
    );
  }

  onData(chunk: Uint8Array): void {
    if (this.#reader?.feed(chunk) !== false) return;
    const { maxResponseBytes } = this.#parts.options.limits;
    this.#fail(
      "response_too_large",
      `an event passes limits.maxResponseBytes (${maxResponseBytes})`,
    );
  }

  onEnd(): void {
    this.#fail("connection_lost", "the server ended the event stream");
  }

  onRefusal(refusal: HttpRefusal): void {
    const { clock, limits } = this.#parts.options;
    this.onError(
      refusalError(refusal, {
        where: this.#where,
        inSession: false,
        maxJsonDepth: limits.maxJsonDepth,
        nowMs: clock.now(),
      }),
    );
  }

  onError(error: MCPClientError): void {
    if (this.#stopped) return;
    const opening = this.#opening;
    this.#opening = undefined;
    this.stop();
    if (opening === undefined) this.#parts.onEnded(error);
    else opening.reject(error);
  }

  #onEvent(event: SseEvent): void {
    if (this.#opening !== undefined) {
      if (event.event === "endpoint") this.#endpoint(event.data, this.#opening.resolve);
      else this.#fail("invalid_response", "the first event is not the endpoint");
      return;
    }
    if (!isMessageEvent(event)) return;
    let message: unknown;
    try {
      message = parseMessage(event.data, this.#parts.options.limits.maxJsonDepth, this.#where);
    } catch (error) {
      this.onError(error as MCPClientError);
      return;
    }
    this.#parts.onMessage(message);
  }

  /** Credentials go to it, so that a server may only name a place of its own (2024-11-05, basic/transports). */
  #endpoint(reference: string, resolve: (endpoint: HttpTarget) => void): void {
    const { target } = this.#parts;
    const url = URL.canParse(reference, target.href) ? new URL(reference, target.href) : undefined;
    if (url?.origin !== target.origin || url.username !== "" || url.password !== "") {
      const text = `the endpoint event names a URL that is not of the origin ${target.origin}`;
      this.#fail("invalid_response", text);
      return;
    }
    this.#opening = undefined;
    this.#cancelTimer?.();
    resolve(targetOf(url));
  }

  #fail(code: "invalid_response" | "response_too_large" | "connection_lost", text: string): void {
    this.onError(new MCPClientError(code, `${this.#where}: ${text}`));
  }

  get #where(): string {
    return this.#call?.where ?? "GET";
  }
}
