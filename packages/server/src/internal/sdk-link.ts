import { AsyncLocalStorage } from "node:async_hooks";
import {
  ErrorCode,
  type InputContext,
  isJsonObject,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  MCPError,
  type RequestContext,
  type RequestId,
  systemClock,
} from "@backplane/protocol";
import type { SdkAuthInfo, SdkTransport } from "./sdk-shapes.ts";

/** One request at the hosted server, from its sending to its answer. */
export class HostedCall {
  /** On whose behalf; undefined for what the host asks for itself. */
  readonly context: RequestContext | undefined;
  /** The same, if the call is one of the three that may ask its client for something. */
  readonly input: InputContext | undefined;
  /** True from its answer on: whatever its handler still does belongs to nobody. */
  ended = false;
  readonly #controller: AbortController = new AbortController();
  #asks = 0;

  constructor(context?: RequestContext, input?: InputContext) {
    this.context = context;
    this.input = input;
  }

  /** Fires when the answer is no longer wanted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** The place of the next question among this call's: the same on every run of the same handler. */
  nextAsk(): number {
    return ++this.#asks;
  }
}

/** What the hosted server says on its own account. `call` is the one in whose handler it said so. */
export interface LinkHandlers {
  /** Answers a request of the hosted server. @throws {MCPError} what it is refused with. */
  onRequest(request: JsonRpcRequest, call: HostedCall): Promise<object>;
  onNotification(notification: JsonRpcNotification, call: HostedCall | undefined): void;
  onClose(): void;
}

interface Pending {
  readonly call: HostedCall;
  settle(response: JsonRpcResponse): void;
  fail(error: unknown): void;
}

/**
 * The wire between Backplane and a hosted SDK server: one connection in memory, on which Backplane is the
 * client of many calls at once.
 */
export class SdkLink {
  /** The end that the SDK server is connected to. */
  readonly serverEnd: SdkTransport;
  readonly #handlers: LinkHandlers;
  readonly #pending = new Map<RequestId, Pending>();
  /**
   * The call in whose handler code runs. `server.elicitInput()` and the like name no request, and must
   * never be answered by another caller than the one whose call asks.
   */
  readonly #current = new AsyncLocalStorage<HostedCall | undefined>();
  #nextId = 1;
  #closed = false;
  #onIdle: () => void = () => {};

  constructor(handlers: LinkHandlers) {
    this.#handlers = handlers;
    this.serverEnd = {
      start: async () => {},
      send: async (message, options) => {
        this.#receive(this.#carried(message as JsonRpcMessage), options?.relatedRequestId);
      },
      close: async () => this.#end(),
    };
  }

  /**
   * Sends a request and waits for its result.
   * @throws {MCPError} the hosted server's error with its code, message and data, or the reason of the abort.
   */
  request(
    method: string,
    params: Readonly<Record<string, unknown>>,
    call: HostedCall,
    authInfo?: SdkAuthInfo,
  ): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      call.signal.throwIfAborted();
      if (this.#closed) throw hostedServerGone();
      const id = this.#nextId++;
      const end = (): void => {
        this.#pending.delete(id);
        call.signal.removeEventListener("abort", onAbort);
        call.ended = true;
        if (this.#pending.size === 0) this.#onIdle();
      };
      const onAbort = (): void => {
        end();
        const reason = "the request is no longer wanted";
        this.#deliver(call, notification("notifications/cancelled", { requestId: id, reason }));
        reject(call.signal.reason);
      };
      this.#pending.set(id, {
        call,
        settle: (response) => {
          end();
          if ("result" in response) resolve(response.result);
          else reject(toError(response.error));
        },
        fail: (error) => {
          end();
          reject(error);
        },
      });
      call.signal.addEventListener("abort", onAbort);
      const withToken = { ...params, _meta: { ...(params._meta as object), progressToken: id } };
      this.#deliver(call, { jsonrpc: "2.0", id, method, params: withToken }, authInfo);
    });
  }

  notify(method: string): void {
    this.#deliver(undefined, notification(method, undefined));
  }

  /** Runs code as if outside every call, which what it starts would otherwise seem to belong to. */
  outsideCalls(run: () => void): void {
    this.#current.run(undefined, run);
  }

  /** Resolves when no request waits for its answer, or after `limitMs`. */
  idle(limitMs: number): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stopTimer = systemClock.after(limitMs, resolve);
      this.#onIdle = () => {
        stopTimer();
        resolve();
      };
    });
  }

  /** Gives up every request that waits. */
  abortAll(reason: unknown): void {
    for (const { call } of [...this.#pending.values()]) call.abort(reason);
  }

  #deliver(call: HostedCall | undefined, message: JsonRpcMessage, authInfo?: SdkAuthInfo): void {
    if (this.#closed) return;
    const onMessage = this.serverEnd.onmessage as
      | ((message: object, extra?: { authInfo: SdkAuthInfo }) => void)
      | undefined;
    this.#current.run(call, () =>
      onMessage?.(copy(message), authInfo === undefined ? undefined : { authInfo }),
    );
  }

  /** A message as a wire would carry it. @throws {TypeError} for what JSON cannot carry. */
  #carried(message: JsonRpcMessage): JsonRpcMessage {
    try {
      return copy(message);
    } catch (error) {
      // The SDK only reports that it could not send: without this, the call would wait for its deadline.
      if (!("method" in message) && message.id !== undefined) {
        this.#pending.get(message.id)?.fail(error);
      }
      throw error;
    }
  }

  #receive(message: JsonRpcMessage, related: RequestId | undefined): void {
    if (this.#closed) return;
    if (!("method" in message)) {
      if (message.id !== undefined) this.#pending.get(message.id)?.settle(message);
      return;
    }
    // A request that is related to a call which has ended belongs to nobody any more.
    const call =
      related === undefined ? this.#current.getStore() : this.#pending.get(related)?.call;
    if ("id" in message) void this.#answer(message, call);
    else if (message.method === "notifications/progress") this.#progress(message.params);
    else this.#handlers.onNotification(message, call);
  }

  /** Progress names its request by the token, which is the request's id. */
  #progress(params: Readonly<Record<string, unknown>> = {}): void {
    const { progressToken, progress, total, message } = params;
    const context = this.#pending.get(progressToken as RequestId)?.call.context;
    if (context === undefined || typeof progress !== "number") return;
    context.progress({
      progress,
      ...(typeof total === "number" && { total }),
      ...(typeof message === "string" && { message }),
    });
  }

  async #answer(request: JsonRpcRequest, call: HostedCall | undefined): Promise<void> {
    const { id, method } = request;
    let response: JsonRpcResponse;
    try {
      const result = method === "ping" ? {} : await this.#ask(request, call);
      response = { jsonrpc: "2.0", id, result: result as Record<string, unknown> };
    } catch (error) {
      response = { jsonrpc: "2.0", id, error: toErrorObject(error) };
    }
    this.#deliver(call, response);
  }

  #ask(request: JsonRpcRequest, call: HostedCall | undefined): Promise<object> {
    if (call === undefined || call.ended) throw nobodyToAsk(request.method);
    return this.#handlers.onRequest(request, call);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of [...this.#pending.values()]) pending.fail(hostedServerGone());
    this.serverEnd.onclose?.();
    this.#handlers.onClose();
  }
}

/** What a client is told when the server behind its call is no longer there. */
export function hostedServerGone(): MCPError {
  const reason = "hosted_server_closed";
  return new MCPError(ErrorCode.unavailable, `Server unavailable: ${reason}`, { data: { reason } });
}

function nobodyToAsk(method: string): MCPError {
  return new MCPError(
    ErrorCode.invalidRequest,
    `Invalid request: ${method} was sent outside a call that still runs, so there is no client to ask. ` +
      "Remedy: send it from within the handler, before it returns",
  );
}

function notification(
  method: string,
  params: Record<string, unknown> | undefined,
): JsonRpcNotification {
  return params === undefined ? { jsonrpc: "2.0", method } : { jsonrpc: "2.0", method, params };
}

function toError(error: unknown): MCPError {
  if (!isJsonObject(error) || !Number.isInteger(error.code)) {
    return new MCPError(ErrorCode.internalError, "the hosted server sent a malformed error");
  }
  const { code, message, data } = error;
  return new MCPError(code as number, String(message), { data });
}

function toErrorObject(error: unknown): { code: number; message: string; data?: unknown } {
  if (MCPError.isInstance(error)) return error.toErrorObject();
  const message = error instanceof Error ? error.message : String(error);
  return { code: ErrorCode.internalError, message };
}

/** JSON crosses, not objects: neither side sees what the other does to a message afterwards. */
function copy<Message>(message: Message): Message {
  return JSON.parse(JSON.stringify(message)) as Message;
}
