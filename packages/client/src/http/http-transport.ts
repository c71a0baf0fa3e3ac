import { IntrusiveList, type RequestId } from "@backplane/protocol";
import { UNBOUND } from "../http-binding.ts";
import type {
  ClientTransport,
  HttpBinding,
  OutgoingRequest,
  ResponseReceiver,
  TransportEvents,
} from "../transport.ts";
import type { HttpCall, HttpReply } from "./http-call.ts";
import { closedError, HttpChannel, loadHttpSender, targetOf } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpTarget } from "./http-sender.ts";
import { postMessage } from "./posted-message.ts";
import { PostedRequest, type PostHost } from "./posted-request.ts";
import { type HeaderList, headerList, withHeaders } from "./request-headers.ts";
import { ServerStream } from "./server-stream.ts";

const POST_HEADERS: HeaderList = [
  "content-type",
  "application/json",
  "accept",
  "application/json, text/event-stream",
];
const STREAM_HEADERS: HeaderList = ["accept", "text/event-stream"];

/**
 * Streamable HTTP of every revision: one POST for each message, answered by JSON or an event stream; in
 * the legacy era a GET stream beside them, and streams that are resumed when they break.
 */
export class HttpTransport implements ClientTransport, PostHost {
  readonly kind = "http";
  readonly options: HttpTransportOptions;
  readonly target: HttpTarget;
  readonly channel: HttpChannel;
  readonly #configured: HeaderList;
  readonly #requests = new IntrusiveList<PostedRequest>();
  #binding: HttpBinding = UNBOUND;
  /** What each POST carries beside its own headers, which never replace these. */
  #postHeaders: HeaderList = POST_HEADERS;
  /** The own headers of the last POST, and all it carried: calls of the same tool share theirs. */
  #lastOwn: HeaderList | undefined = undefined;
  #lastHeaders: HeaderList = [];
  #events: TransportEvents | undefined = undefined;
  #serverStream: ServerStream | undefined = undefined;

  /**
   * @param load brings another implementation of HTTP than the one of this runtime.
   * @throws {TypeError} when `url` is not http or https, or carries credentials.
   */
  constructor(options: HttpTransportOptions, load: typeof loadHttpSender = loadHttpSender) {
    this.options = options;
    this.target = targetOf(options.url);
    this.channel = new HttpChannel(options, this.target, load);
    this.#configured = headerList(options.headers);
  }

  get sessionId(): string | undefined {
    return this.#binding.sessionId;
  }

  get resumable(): boolean {
    return this.#binding.resumable;
  }

  async open(events: TransportEvents): Promise<void> {
    this.#events = events;
    await this.channel.open();
  }

  request(request: OutgoingRequest, receiver: ResponseReceiver): void {
    const posted = new PostedRequest(request, receiver, this);
    this.#requests.add(posted);
    posted.start(this.#headersOf(request.headers));
  }

  abandon(id: RequestId): void {
    // Rare enough to be looked for.
    for (const posted of this.#requests.toArray()) if (posted.request.id === id) posted.abandon();
  }

  post(text: string, headers: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      postMessage({
        channel: this.channel,
        options: this.options,
        target: this.target,
        headers: this.#headersOf(headers),
        text,
        // Every connection may be held by a call whose server waits for this very message.
        apart: this.#requests.size >= this.options.maxSockets,
        inSession: this.#binding.sessionId !== undefined,
        onAccepted: resolve,
        onFailure: reject,
      });
    });
  }

  bind(binding: HttpBinding): void {
    this.#binding = binding;
    this.#postHeaders = [...POST_HEADERS, ...this.#bindingHeaders()];
    this.#lastOwn = undefined;
  }

  openServerStream(): Promise<boolean> {
    // Whoever asks first has it opened for all.
    if (this.#serverStream?.over === false) return this.#serverStream.open();
    this.#serverStream = new ServerStream(
      {
        channel: this.channel,
        options: this.options,
        target: this.target,
        headers: () => this.streamHeaders(),
        inSession: this.#binding.sessionId !== undefined,
      },
      this.#events as TransportEvents,
    );
    return this.#serverStream.open();
  }

  /** No-op without a session. Waits at most `endSessionTimeoutMs`. */
  async endSession(): Promise<void> {
    this.#serverStream?.stop();
    if (this.#binding.sessionId === undefined) return;
    const headers = withHeaders(this.#configured, this.#bindingHeaders());
    const { clock, endSessionTimeoutMs } = this.options;
    await new Promise<void>((resolve) => {
      const call: HttpCall | undefined = this.channel.call(
        { target: this.target, method: "DELETE", headers, body: undefined, apart: false },
        anyAnswer(() => {
          cancelWait();
          resolve();
        }),
      );
      const cancelWait = clock.after(endSessionTimeoutMs, () => {
        call?.cancel();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.#serverStream?.stop();
    for (const request of this.#requests.toArray()) request.fail(closedError());
    await this.channel.close();
  }

  streamHeaders(): HeaderList {
    return withHeaders(this.#configured, [...STREAM_HEADERS, ...this.#bindingHeaders()]);
  }

  finished(request: PostedRequest): void {
    this.#requests.delete(request);
  }

  #headersOf(own: HeaderList): HeaderList {
    if (own !== this.#lastOwn) {
      this.#lastHeaders = withHeaders(withHeaders(this.#configured, own), this.#postHeaders);
      this.#lastOwn = own;
    }
    return this.#lastHeaders;
  }

  #bindingHeaders(): HeaderList {
    const { protocolVersion, sessionId } = this.#binding;
    return [
      ...(protocolVersion === undefined ? [] : ["mcp-protocol-version", protocolVersion]),
      ...(sessionId === undefined ? [] : ["mcp-session-id", sessionId]),
    ];
  }
}

/** For a request whose answer changes nothing. */
function anyAnswer(onAnswer: () => void): HttpReply {
  return { onHead() {}, onData() {}, onEnd: onAnswer, onRefusal: onAnswer, onError: onAnswer };
}
