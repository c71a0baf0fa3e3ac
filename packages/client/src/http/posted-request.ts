import type { ListNode } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import { waitAwake } from "../internal/wait-awake.ts";
import type { OutgoingRequest, ResponseReceiver } from "../transport.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { EventStream, type EventStreamOwner } from "./event-stream.ts";
import type { HttpCall, HttpRefusal, HttpReply } from "./http-call.ts";
import type { HttpChannel } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpTarget, ResponseHeaders } from "./http-sender.ts";
import { isResponse, parseMessage, withoutNullId } from "./messages.ts";
import { errorMessageIn, refusalError } from "./refusal.ts";
import type { HeaderList } from "./request-headers.ts";
import { bodyKind, contentLength, firstOf, retryAfterMs } from "./response-head.ts";
import { isMessageEvent, type SseEvent, SseReader } from "./sse-reader.ts";

/** How long a server may take to end a stream that has carried its response, before the socket is given up. */
const LINGER_MS = 1_000;

/** Visible ASCII (2025-11-25, basic/transports), and no longer than a header may sensibly be. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

/** What posted requests need of their transport. */
export interface PostHost {
  readonly channel: HttpChannel;
  readonly options: HttpTransportOptions;
  readonly target: HttpTarget;
  /** The session that requests name now. */
  readonly sessionId: string | undefined;
  readonly resumable: boolean;
  /** Of a GET. */
  streamHeaders(): HeaderList;
  /** The request has its response or will have none. */
  finished(request: PostedRequest): void;
}

/**
 * One JSON-RPC request by POST, until its response: in a JSON body, as the last event of a stream, or on
 * the GET stream by which a broken one is resumed.
 */
export class PostedRequest implements HttpReply, EventStreamOwner, ListNode<PostedRequest> {
  readonly request: OutgoingRequest;
  readonly #receiver: ResponseReceiver;
  readonly #host: PostHost;
  readonly #sessionId: string | undefined;
  #call: HttpCall | undefined = undefined;
  #body: BodyBuffer | undefined = undefined;
  #reader: SseReader | undefined = undefined;
  #resumed: EventStream | undefined = undefined;
  #cancelLinger: (() => void) | undefined = undefined;
  #events = 0;
  #done = false;
  // The fields of the transport's list.
  listNext: PostedRequest | undefined = undefined;
  listPrevious: PostedRequest | undefined = undefined;
  listed = false;

  constructor(request: OutgoingRequest, receiver: ResponseReceiver, host: PostHost) {
    this.request = request;
    this.#receiver = receiver;
    this.#host = host;
    this.#sessionId = host.sessionId;
  }

  start(headers: HeaderList): void {
    const { channel, target } = this.#host;
    const { text: body, longLived: apart = false } = this.request;
    this.#call = channel.call({ target, method: "POST", headers, body, apart }, this);
  }

  /** Closes its stream; the receiver hears no more. */
  abandon(): void {
    if (this.#finish()) this.#release();
  }

  fail(error: MCPClientError): void {
    if (!this.#finish()) return;
    this.#release();
    this.#receiver.onFailure(error);
  }

  onHead(status: number, headers: ResponseHeaders): void {
    if (!this.#announceSession(headers)) return;
    const { maxResponseBytes } = this.#host.options.limits;
    const kind = bodyKind(headers);
    if (kind === "other") {
      const type = firstOf(headers["content-type"])?.slice(0, 100);
      const what = type === undefined ? "without a response" : `with content type "${type}"`;
      this.#invalid(`answered ${status} ${what}; JSON or an event stream was due`);
    } else if ((firstOf(headers["content-encoding"]) ?? "identity") !== "identity") {
      this.#invalid("the answer is compressed, which was not asked for");
    } else if (kind === "event-stream") {
      this.#reader = new SseReader(maxResponseBytes, (event) => this.onEvent(event));
    } else if ((contentLength(headers) ?? 0) > maxResponseBytes) {
      this.#tooLarge();
    } else {
      this.#body = new BodyBuffer(maxResponseBytes);
    }
  }

  onData(chunk: Uint8Array): void {
    const fits = this.#body?.add(chunk) ?? this.#reader?.feed(chunk) ?? true;
    if (!fits) this.#tooLarge();
  }

  onEnd(): void {
    if (this.#done) this.#cancelLinger?.();
    else if (this.#body !== undefined) this.#readBody(this.#body);
    else {
      const text = this.#say("the stream ended without the response");
      this.onError(new MCPClientError("connection_lost", text));
    }
  }

  onRefusal(refusal: HttpRefusal): void {
    const { options } = this.#host;
    const nowMs = options.clock.now();
    const { maxJsonDepth } = options.limits;
    const inSession = this.#sessionId !== undefined;
    const context = { where: this.#where, inSession, maxJsonDepth, nowMs };
    const message = errorMessageIn(refusal, this.request.id, context);
    if (message === undefined) {
      this.fail(refusalError(refusal, context));
      return;
    }
    this.#receiver.onStatus?.(refusal.status, retryAfterMs(refusal.headers, nowMs));
    this.#deliver(message);
  }

  onError(error: MCPClientError): void {
    this.#cancelLinger?.();
    if (this.#done) return;
    const { resumable, channel, options, target, sessionId } = this.#host;
    if (this.#reader?.lastEventId === undefined || !resumable || error.code === "closed") {
      this.fail(error);
      return;
    }
    const inSession = sessionId !== undefined;
    const headers = () => this.#host.streamHeaders();
    const parts = { channel, options, target, headers, inSession, wait: waitAwake, owner: this };
    this.#resumed = new EventStream(parts, this.#reader);
    this.#resumed.reopen(error);
  }

  onOpen(): void {}

  onInterrupted(error: MCPClientError): void {
    const { logger } = this.#host.options;
    logger.debug(
      { method: this.request.method, err: error },
      "a response stream broke, resuming it",
    );
  }

  onEvent(event: SseEvent): void {
    if (this.#done) return;
    const { maxStreamEvents, maxJsonDepth } = this.#host.options.limits;
    if (++this.#events > maxStreamEvents && this.request.longLived !== true) {
      const text = `more events than limits.maxStreamEvents (${maxStreamEvents}) without the response`;
      this.fail(new MCPClientError("response_too_large", this.#say(text)));
      return;
    }
    if (!isMessageEvent(event)) return;
    let message: unknown;
    try {
      message = parseMessage(event.data, maxJsonDepth, this.#where);
    } catch (error) {
      this.fail(error as MCPClientError);
      return;
    }
    this.#deliver(message);
  }

  /** What the server has worked on must not be taken for unsent because its stream cannot be resumed. */
  onEnded(error: MCPClientError): void {
    const keepsCode = error.retry === "never" && error.code !== "http_status";
    const code = keepsCode || error.code === "session_lost" ? error.code : "connection_lost";
    const text = `the stream broke and could not be resumed: ${error.message}`;
    this.fail(
      new MCPClientError(code, this.#say(text), {
        cause: error,
        retry: keepsCode ? "never" : "if-idempotent",
        status: error.status,
      }),
    );
  }

  #readBody(body: BodyBuffer): void {
    let value: unknown;
    try {
      const text = body.text();
      if (text === "")
        throw new MCPClientError("invalid_response", this.#say("the answer is empty"));
      value = parseMessage(text, this.#host.options.limits.maxJsonDepth, this.#where);
    } catch (error) {
      this.fail(error as MCPClientError);
      return;
    }
    // A server of 2025-03-26 may batch what it has to say.
    if (Array.isArray(value)) for (const each of value) this.#deliver(withoutNullId(each));
    else this.#deliver(value);
    if (!this.#done) this.#invalid("the answer holds no response");
  }

  #deliver(message: unknown): void {
    if (this.#done) return;
    if (isResponse(message) && this.#finish() && this.#reader !== undefined) this.#linger();
    this.#receiver.onMessage(message);
  }

  /** The response is there: the server ends the stream at once, or loses it. */
  #linger(): void {
    this.#reader?.stop();
    this.#resumed?.stop();
    const call = this.#call;
    this.#cancelLinger = this.#host.options.clock.after(LINGER_MS, () => call?.cancel());
  }

  /** @returns false when there is no going on. */
  #announceSession(headers: ResponseHeaders): boolean {
    const id = firstOf(headers["mcp-session-id"]);
    if (id === undefined || id === this.#sessionId || this.#receiver.onSession === undefined) {
      return true;
    }
    if (SESSION_ID.test(id)) this.#receiver.onSession(id);
    else this.#invalid("Mcp-Session-Id is not visible ASCII of at most 1,024 characters");
    return !this.#done;
  }

  #invalid(text: string): void {
    this.fail(new MCPClientError("invalid_response", this.#say(text)));
  }

  #tooLarge(): void {
    const { maxResponseBytes } = this.#host.options.limits;
    const text = `the answer passes limits.maxResponseBytes (${maxResponseBytes})`;
    this.fail(new MCPClientError("response_too_large", this.#say(text)));
  }

  #say(text: string): string {
    return `${this.#where}: ${text}`;
  }

  get #where(): string {
    return this.#call?.where ?? "POST";
  }

  /** @returns whether this was the end. */
  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#host.finished(this);
    return true;
  }

  #release(): void {
    this.#reader?.stop();
    this.#resumed?.stop();
    this.#call?.cancel();
  }
}
