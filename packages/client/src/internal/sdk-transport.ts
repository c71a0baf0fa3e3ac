import {
  codecFor,
  isJsonObject,
  isModernRevision,
  type JsonRpcRequest,
  META_PROTOCOL_VERSION,
  messageKind,
  type RequestId,
} from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { HttpTransportOptions } from "../http/http-options.ts";
import { HttpTransport } from "../http/http-transport.ts";
import { isResponse } from "../http/messages.ts";
import { bindingFor, UNBOUND } from "../http-binding.ts";
import type { OutgoingRequest, ResponseReceiver } from "../transport.ts";
import { mirrorHeaders } from "../wire.ts";
import type { SdkSendOptions, SdkTransport } from "./sdk-shapes.ts";

/** Gives an error the class that users of the SDK look for, where it has one. */
export type SdkErrorOf = (error: MCPClientError) => Error | Promise<Error>;

type Params = Readonly<Record<string, unknown>> | undefined;

const NO_HEADERS: readonly string[] = [];

/** Backplane's HTTP transport as an SDK client drives it: message by message, with the handshake its own. */
export class SdkHttpTransport implements SdkTransport {
  readonly hasPerRequestStream = true as const;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: object) => void;
  readonly #http: HttpTransport;
  readonly #errorOf: SdkErrorOf;
  #version: string | undefined;
  #sessionId: string | undefined;
  /** The revision that requests are bound to now; undefined for none. */
  #bound: string | undefined;
  #closed = false;

  constructor(options: HttpTransportOptions, errorOf: SdkErrorOf) {
    this.#http = new HttpTransport(options);
    this.#errorOf = errorOf;
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  start(): Promise<void> {
    return this.#http.open({
      onMessage: (message) => this.#deliver(message),
      onClose: (error) => {
        this.onerror?.(error);
        this.#ended();
      },
      onServerStream: (_state, error) => {
        if (error !== undefined) this.onerror?.(error);
      },
    });
  }

  async send(message: object, options: SdkSendOptions = {}): Promise<void> {
    try {
      await this.#send(message, options);
    } catch (thrown) {
      const error = MCPClientError.isInstance(thrown) ? await this.#errorOf(thrown) : thrown;
      this.onerror?.(error as Error);
      throw error;
    }
  }

  setProtocolVersion(version: string): void {
    this.#version = version;
    this.#bind(version);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#http.endSession();
    await this.#http.close();
    this.#sessionId = undefined;
    this.#ended();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.();
  }

  async #send(message: object, options: SdkSendOptions): Promise<void> {
    if (options.resumptionToken !== undefined || options.onresumptiontoken !== undefined) {
      throw new MCPClientError(
        "not_supported",
        "resumption tokens are not handed out: this transport resumes broken streams by itself",
      );
    }
    switch (messageKind(message)) {
      case "request":
        return this.#request(message as JsonRpcRequest, options);
      case "invalid":
        throw new MCPClientError("not_supported", "only a JSON-RPC message can be sent");
      default:
        return this.#post(message as { readonly method?: string; readonly params?: Params });
    }
  }

  #request(
    message: JsonRpcRequest,
    { headers = {}, requestSignal }: SdkSendOptions,
  ): Promise<void> {
    const { id, method, params } = message;
    const modern = this.#bindFor(method, params);
    const request: OutgoingRequest = {
      id,
      method,
      text: JSON.stringify(message),
      headers: [
        ...(modern === undefined ? [] : mirrored(modern, method, params)),
        ...flat(headers),
      ],
      longLived: method === "subscriptions/listen",
    };
    return new Promise((resolve, reject) => {
      if (requestSignal?.aborted === true) {
        reject(requestSignal.reason);
        return;
      }
      const giveUp = (): void => {
        this.#http.abandon(id);
        resolve();
      };
      requestSignal?.addEventListener("abort", giveUp, { once: true });
      const settled = (): void => requestSignal?.removeEventListener("abort", giveUp);
      this.#http.request(request, this.#receiver(message, resolve, reject, settled));
    });
  }

  #receiver(
    { id, method }: JsonRpcRequest,
    resolve: () => void,
    reject: (error: MCPClientError) => void,
    settled: () => void,
  ): ResponseReceiver {
    let status = 200;
    let hasNotified = false;
    return {
      onSession: (sessionId) => {
        this.#sessionId = sessionId;
        this.#bind(this.#version);
      },
      onStatus: (given) => {
        status = given;
      },
      onFailure: (error) => {
        settled();
        reject(error);
      },
      onMessage: (message) => {
        if (!isResponse(message)) {
          hasNotified = true;
          this.#deliver(message);
          return;
        }
        settled();
        // A server that is away says nothing about its era, although it says it in JSON-RPC.
        if (method === "server/discover" && status >= 500) {
          reject(new MCPClientError("http_status", `${method}: answered ${status}`, { status }));
          return;
        }
        const answer = (): void => {
          // An error without an id answers this request too: it came as its response.
          this.#deliver({ ...(message as object), id });
          resolve();
        };
        // SDK clients handle a notification a turn after it arrived, and a response at once: the last report of
        // progress would come to a call that has ended.
        if (hasNotified) setTimeout(answer, 0);
        else answer();
      },
    };
  }

  async #post(message: { readonly method?: string; readonly params?: Params }): Promise<void> {
    const { method, params } = message;
    const modern = method === undefined ? undefined : this.#bindFor(method, params);
    const headers =
      method === undefined || modern === undefined ? NO_HEADERS : mirrorHeaders(method, undefined);
    await this.#http.post(JSON.stringify(message), headers);
    if (method === "notifications/initialized") {
      this.#http.openServerStream().catch((error: Error) => this.onerror?.(error));
    } else if (method === "notifications/cancelled") {
      // Nobody reads on: the SDK has forgotten the request.
      this.#http.abandon(params?.["requestId"] as RequestId);
    }
  }

  /** Binds the connection to what the message claims. @returns the modern revision that it claims. */
  #bindFor(method: string, params: Params): string | undefined {
    if (method === "initialize") {
      this.#bound = undefined;
      this.#http.bind(UNBOUND);
      return undefined;
    }
    const meta = params?._meta;
    const claim = isJsonObject(meta) ? meta[META_PROTOCOL_VERSION] : undefined;
    const modern = typeof claim === "string" && isModernRevision(claim) ? claim : undefined;
    const wanted = modern ?? this.#version;
    if (wanted !== this.#bound) this.#bind(wanted);
    return modern;
  }

  #bind(version: string | undefined): void {
    this.#bound = version;
    const sessionId = this.#sessionId;
    this.#http.bind(
      version === undefined ? { ...UNBOUND, sessionId } : bindingFor(version, sessionId),
    );
  }

  #deliver(message: unknown): void {
    this.onmessage?.(message as object);
  }
}

/** What of a modern request its headers repeat; `tasks/*` is the tasks extension's. */
function mirrored(revision: string, method: string, params: Params): readonly string[] {
  const row = isModernRevision(revision) ? codecFor(revision).methods.get(method) : undefined;
  const member = row?.targetMember ?? (method.startsWith("tasks/") ? "taskId" : undefined);
  const target = member === undefined ? undefined : params?.[member];
  return mirrorHeaders(method, typeof target === "string" ? target : undefined);
}

function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
}
