import type { ClientAuth, ListNode } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import { BodyBuffer } from "./body-buffer.ts";
import type {
  HttpExchange,
  HttpRequest,
  HttpSender,
  HttpSink,
  ResponseHeaders,
  SendStage,
} from "./http-sender.ts";
import { networkError } from "./network-error.ts";
import { headerList, withHeaders } from "./request-headers.ts";
import { joinedHeaders } from "./response-head.ts";

/** As much of a refusal's body as is read: an error message is small. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** How often one request may be refused and sent again with better credentials. */
const MAX_CHALLENGES = 3;

/** An answer whose status is 300 or above. */
export interface HttpRefusal {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** The first 64 KiB of it. */
  readonly body: string;
}

/** Where the answer to one call goes. After `onEnd`, `onRefusal` and `onError` nothing follows. */
export interface HttpReply {
  /** The status is below 300. */
  onHead(status: number, headers: ResponseHeaders): void;
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  /** Called after the credentials had their chance to answer a challenge. */
  onRefusal(refusal: HttpRefusal): void;
  onError(error: MCPClientError): void;
}

/** What a call needs of its channel. */
export interface HttpCallHost {
  readonly sender: HttpSender;
  readonly auth: ClientAuth | undefined;
  /** The call is over, in whatever way. */
  ended(call: HttpCall): void;
}

/**
 * One HTTP request with the client's credentials: asked for before it is sent, and again after each
 * challenge, at most three times. Nothing is called inside `start`.
 */
export class HttpCall implements HttpSink, ListNode<HttpCall> {
  readonly #host: HttpCallHost;
  readonly #request: HttpRequest;
  readonly #reply: HttpReply;
  #exchange: HttpExchange | undefined = undefined;
  #refusedStatus = 0;
  #refusedHeaders: ResponseHeaders = {};
  #refusedBody: BodyBuffer | undefined = undefined;
  #challenges = 0;
  #credentials: Readonly<Record<string, string>> = {};
  #ended = false;
  // The fields of the channel's list.
  listNext: HttpCall | undefined = undefined;
  listPrevious: HttpCall | undefined = undefined;
  listed = false;

  constructor(host: HttpCallHost, request: HttpRequest, reply: HttpReply) {
    this.#host = host;
    this.#request = request;
    this.#reply = reply;
  }

  /** For messages. */
  get where(): string {
    const { method, target } = this.#request;
    return `${method} ${target.place}`;
  }

  start(): void {
    const { auth, sender } = this.#host;
    if (auth === undefined) this.#exchange = sender.send(this.#request, this);
    else void this.#sendAuthorized(auth);
  }

  /** Gives the call up: the reply hears no more. No-op after the end. */
  cancel(): void {
    if (this.#end()) this.#exchange?.abort();
  }

  /** Gives the call up with an error. No-op after the end. */
  fail(error: MCPClientError): void {
    if (!this.#end()) return;
    this.#exchange?.abort();
    this.#reply.onError(error);
  }

  onHead(status: number, headers: ResponseHeaders): void {
    if (status < 300) {
      this.#reply.onHead(status, headers);
      return;
    }
    this.#refusedStatus = status;
    this.#refusedHeaders = headers;
    this.#refusedBody = new BodyBuffer(MAX_REFUSAL_BYTES);
  }

  onData(chunk: Uint8Array): void {
    if (this.#refusedBody === undefined) {
      this.#reply.onData(chunk);
      return;
    }
    const room = MAX_REFUSAL_BYTES - this.#refusedBody.bytes;
    if (this.#refusedBody.add(chunk)) return;
    this.#refusedBody.add(chunk.subarray(0, room));
    this.#exchange?.abort();
    this.#refused();
  }

  onEnd(): void {
    if (this.#refusedBody !== undefined) this.#refused();
    else if (this.#end()) this.#reply.onEnd();
  }

  onError(error: unknown, stage: SendStage): void {
    // A refusal is one even when its body breaks off.
    if (this.#refusedBody !== undefined) this.#refused();
    else if (this.#end()) this.#reply.onError(networkError(error, stage, this.where));
  }

  async #sendAuthorized(auth: ClientAuth): Promise<void> {
    const { method, target } = this.#request;
    try {
      this.#credentials = await auth.headers({ method, url: target.href });
      if (this.#ended) return;
      const headers = withHeaders(this.#request.headers, headerList(this.#credentials));
      this.#exchange = this.#host.sender.send({ ...this.#request, headers }, this);
    } catch (error) {
      this.fail(this.#noCredentials(error, undefined));
    }
  }

  #refused(): void {
    const { auth } = this.#host;
    const refusal = {
      status: this.#refusedStatus,
      headers: this.#refusedHeaders,
      body: this.#refusedBody?.text() ?? "",
    };
    this.#refusedBody = undefined;
    if (auth !== undefined && isChallenge(refusal) && this.#challenges < MAX_CHALLENGES) {
      this.#challenges++;
      void this.#answerChallenge(auth, refusal);
    } else if (this.#end()) this.#reply.onRefusal(refusal);
  }

  async #answerChallenge(auth: ClientAuth, refusal: HttpRefusal): Promise<void> {
    const { status, headers } = refusal;
    const url = this.#request.target.href;
    try {
      const verdict = await auth.onChallenge({
        status,
        headers: joinedHeaders(headers),
        url,
        sent: this.#credentials,
      });
      if (this.#ended) return;
      if (verdict === "retry") await this.#sendAuthorized(auth);
      else if (this.#end()) this.#reply.onRefusal(refusal);
    } catch (error) {
      this.fail(this.#noCredentials(error, status));
    }
  }

  #noCredentials(error: unknown, status: number | undefined): MCPClientError {
    if (MCPClientError.isInstance(error)) return error;
    const text = error instanceof Error ? error.message : String(error);
    const message = `${this.where}: no credentials could be had: ${text}`;
    return new MCPClientError("unauthorized", message, { cause: error, status });
  }

  /** @returns whether this was the end. */
  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#host.ended(this);
    return true;
  }
}

/** Whether better credentials may help: 401, or 403 that says what is missing (RFC 6750, 3.1). */
export function isChallenge({ status, headers }: HttpRefusal): boolean {
  return status === 401 || (status === 403 && headers["www-authenticate"] !== undefined);
}
