import {
  ErrorCode,
  type JsonRpcRequest,
  type Logger,
  MCPError,
  type RequestId,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";

/** Questions of one server that are answered at once; more are refused. */
const MAX_SERVED = 64;

/** What answering needs of its link. */
export interface ServerRequestsHost {
  readonly logger: Logger;
  /** Resolves with the result, or rejects with the `MCPError` to answer. */
  answer(
    request: JsonRpcRequest,
    exchange: Exchange | undefined,
    signal: AbortSignal,
  ): Promise<object>;
  /** Sends a response. @throws {MCPClientError} */
  post(text: string): Promise<void>;
  /** Stops the clocks of the requests that wait for the answer. @returns what starts them again. */
  pause(exchange: Exchange | undefined): () => void;
}

interface Running {
  readonly controller: AbortController;
  /** The request that it belongs to, where that is known. */
  readonly exchange: Exchange | undefined;
}

/** The requests of a legacy server that this client is answering. */
export class ServerRequests {
  readonly #host: ServerRequestsHost;
  readonly #running = new Map<RequestId, Running>();

  constructor(host: ServerRequestsHost) {
    this.#host = host;
  }

  /**
   * Answers one. While the server waits for us, its silence is our own doing.
   * @param exchange the request on whose stream it came, where that is known.
   */
  serve(request: JsonRpcRequest, exchange: Exchange | undefined): void {
    const { id } = request;
    if (this.#running.has(id)) return;
    if (this.#running.size >= MAX_SERVED) {
      const error = new MCPError(ErrorCode.unavailable, `More than ${MAX_SERVED} requests at once`);
      void this.#post(request, { error: error.toErrorObject() });
      return;
    }
    const controller = new AbortController();
    this.#running.set(id, { controller, exchange });
    void this.#answer(request, exchange, controller.signal).finally(() => {
      this.#running.delete(id);
    });
  }

  /** The server takes its own request back. @returns false when none of that id runs. */
  takeBack(id: RequestId): boolean {
    const running = this.#running.get(id);
    running?.controller.abort(new MCPClientError("aborted", "the server took its request back"));
    return running !== undefined;
  }

  /** A request was given up: what the server asks for its sake it cannot take back on a closed stream. */
  abandon(exchange: Exchange, error: MCPError | MCPClientError): void {
    for (const running of this.#running.values()) {
      if (running.exchange === exchange) running.controller.abort(error);
    }
  }

  /** Nobody waits for the answers any more. */
  abortAll(error: MCPClientError): void {
    for (const { controller } of this.#running.values()) controller.abort(error);
  }

  async #answer(
    request: JsonRpcRequest,
    exchange: Exchange | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const resume = this.#host.pause(exchange);
    let outcome: { readonly result: object } | { readonly error: object };
    try {
      outcome = { result: await this.#host.answer(request, exchange, signal) };
    } catch (thrown) {
      if (MCPError.isInstance(thrown)) outcome = { error: thrown.toErrorObject() };
      else {
        outcome = { error: { code: ErrorCode.internalError, message: "Internal error" } };
        if (!signal.aborted) {
          this.#host.logger.error(
            { method: request.method, err: thrown },
            "an input handler failed",
          );
        }
      }
    }
    // Before the answer is sent: a server that never accepts it must not hold the request for ever.
    resume();
    // One that was taken back must not be answered (2025-11-25, utilities/cancellation).
    if (!signal.aborted) await this.#post(request, outcome);
  }

  async #post({ id, method }: JsonRpcRequest, outcome: object): Promise<void> {
    try {
      await this.#host.post(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }));
    } catch (error) {
      this.#host.logger.warn({ method, err: error }, "could not answer the server");
    }
  }
}
