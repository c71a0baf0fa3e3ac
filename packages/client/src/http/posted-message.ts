import type { MCPClientError } from "../errors.ts";
import type { HttpCall, HttpRefusal, HttpReply } from "./http-call.ts";
import type { HttpChannel } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpTarget, ResponseHeaders } from "./http-sender.ts";
import { refusalError } from "./refusal.ts";
import type { HeaderList } from "./request-headers.ts";
import { bodyKind } from "./response-head.ts";

/** What a server may say to a message that wants no answer; more is not waited for. */
const MAX_IGNORED_BYTES = 64 * 1024;

/** One message by POST that has no response of its own on this exchange. */
export interface PostedMessage {
  readonly channel: HttpChannel;
  readonly options: HttpTransportOptions;
  readonly target: HttpTarget;
  readonly headers: HeaderList;
  readonly text: string;
  readonly inSession: boolean;
  /** See `HttpRequest`. */
  readonly apart: boolean;
  onAccepted(): void;
  onFailure(error: MCPClientError): void;
}

/** Posts a message and says whether it was accepted: any status below 300 (202 by the book). */
export function postMessage(message: PostedMessage): HttpCall | undefined {
  const { channel, target, headers, apart, text: body } = message;
  const reply = new Acceptance(message);
  const call = channel.call({ target, method: "POST", headers, body, apart }, reply);
  reply.call = call;
  return call;
}

class Acceptance implements HttpReply {
  call: HttpCall | undefined = undefined;
  readonly #message: PostedMessage;
  #bytes = 0;
  #settled = false;

  constructor(message: PostedMessage) {
    this.#message = message;
  }

  onHead(_status: number, headers: ResponseHeaders): void {
    this.#settled = true;
    this.#message.onAccepted();
    if (bodyKind(headers) === "event-stream") this.call?.cancel();
  }

  onData(chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > MAX_IGNORED_BYTES) this.call?.cancel();
  }

  onEnd(): void {}

  onRefusal(refusal: HttpRefusal): void {
    const { options, inSession } = this.#message;
    this.onError(
      refusalError(refusal, {
        where: this.call?.where ?? "POST",
        inSession,
        maxJsonDepth: options.limits.maxJsonDepth,
        nowMs: options.clock.now(),
      }),
    );
  }

  onError(error: MCPClientError): void {
    if (!this.#settled) this.#message.onFailure(error);
  }
}
