import { isJsonObject, type RequestId } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";
import type {
  ClientTransport,
  HttpBinding,
  OutgoingRequest,
  ResponseReceiver,
  TransportEvents,
} from "../transport.ts";
import { EndpointStream } from "./endpoint-stream.ts";
import type { HttpCall } from "./http-call.ts";
import { closedError, HttpChannel, loadHttpSender, targetOf } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpTarget } from "./http-sender.ts";
import { isResponse } from "./messages.ts";
import { postMessage } from "./posted-message.ts";
import { type HeaderList, headerList, withHeaders } from "./request-headers.ts";

const POST_HEADERS: HeaderList = ["content-type", "application/json"];
const STREAM_HEADERS: HeaderList = ["accept", "text/event-stream"];

interface Waiting {
  readonly receiver: ResponseReceiver;
  post: HttpCall | undefined;
}

/**
 * HTTP+SSE of 2024-11-05: one event stream carries everything that the server says, and its first event
 * names the URL that everything else is posted to. When the stream breaks, the transport has ended.
 */
export class LegacySseTransport implements ClientTransport {
  readonly kind = "sse";
  readonly #options: HttpTransportOptions;
  readonly #target: HttpTarget;
  readonly #channel: HttpChannel;
  readonly #configured: HeaderList;
  readonly #waiting = new Map<RequestId, Waiting>();
  #binding: HeaderList = [];
  #events: TransportEvents | undefined = undefined;
  #stream: EndpointStream | undefined = undefined;
  #endpoint: HttpTarget | undefined = undefined;
  #closed = false;

  /**
   * @param load brings another implementation of HTTP than the one of this runtime.
   * @throws {TypeError} when `url` is not http or https, or carries credentials.
   */
  constructor(options: HttpTransportOptions, load: typeof loadHttpSender = loadHttpSender) {
    this.#options = options;
    this.#target = targetOf(options.url);
    this.#channel = new HttpChannel(options, this.#target, load);
    this.#configured = headerList(options.headers);
  }

  /** Resolves when the server has named its endpoint, for which it has `connectTimeoutMs` after its answer. */
  async open(events: TransportEvents): Promise<void> {
    this.#events = events;
    await this.#channel.open();
    this.#stream = new EndpointStream({
      channel: this.#channel,
      options: this.#options,
      target: this.#target,
      headers: withHeaders(this.#configured, STREAM_HEADERS),
      onMessage: (message) => this.#received(message),
      onEnded: (error) => this.#ended(error),
    });
    this.#endpoint = await this.#stream.open();
  }

  request(request: OutgoingRequest, receiver: ResponseReceiver): void {
    const waiting: Waiting = { receiver, post: undefined };
    this.#waiting.set(request.id, waiting);
    waiting.post = this.#post(request.text, request.headers, {
      onAccepted: () => {},
      onFailure: (error) => {
        if (this.#waiting.delete(request.id)) receiver.onFailure(error);
      },
    });
  }

  abandon(id: RequestId): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    // Without effect once the server has accepted it.
    waiting.post?.cancel();
  }

  post(text: string, headers: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#post(text, headers, { onAccepted: resolve, onFailure: reject });
    });
  }

  bind({ protocolVersion }: HttpBinding): void {
    this.#binding = protocolVersion === undefined ? [] : ["mcp-protocol-version", protocolVersion];
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream?.stop();
    this.#failAll(closedError());
    await this.#channel.close();
  }

  #post(
    text: string,
    own: HeaderList,
    outcome: { onAccepted(): void; onFailure(error: MCPClientError): void },
  ): HttpCall | undefined {
    const target = this.#endpoint;
    if (target === undefined || this.#closed) {
      queueMicrotask(() => outcome.onFailure(closedError()));
      return undefined;
    }
    const { length } = this.#configured;
    const under = length === 0 ? own : withHeaders(this.#configured, own);
    return postMessage({
      channel: this.#channel,
      options: this.#options,
      target,
      headers: withHeaders(under, [...POST_HEADERS, ...this.#binding]),
      text,
      // The endpoint is the session's: without it the server does not know it.
      inSession: true,
      // Answers come on the stream: a POST is over at once.
      apart: false,
      ...outcome,
    });
  }

  #received(message: unknown): void {
    const id = isResponse(message) && isJsonObject(message) ? message["id"] : undefined;
    const waiting = id === undefined ? undefined : this.#waiting.get(id as RequestId);
    if (waiting === undefined) this.#events?.onMessage(message);
    else {
      this.#waiting.delete(id as RequestId);
      waiting.receiver.onMessage(message);
    }
  }

  #ended(error: MCPClientError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failAll(error);
    this.#events?.onClose(error);
    void this.#channel.close();
  }

  #failAll(error: MCPClientError): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { receiver } of all) receiver.onFailure(error);
  }
}
