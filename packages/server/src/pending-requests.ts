import { ErrorCode, type JsonRpcResponse, MCPError, type RequestId } from "@backplane/protocol";
import { notificationText } from "./notification-text.ts";

interface Waiting {
  resolve(result: Record<string, unknown>): void;
  reject(error: unknown): void;
}

/** Server requests of one connection or session that wait for the client's answer. */
export class PendingRequests {
  readonly #send: (text: string) => void;
  readonly #waiting = new Map<RequestId, Waiting>();
  #nextId = 1;

  /** @param send writes a request that names no stream of its own. */
  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /**
   * Sends a request and waits for its answer, until `signal` fires. The client is then told, so that it does
   * not ask its user in vain.
   */
  send(
    method: string,
    params: object,
    signal: AbortSignal,
    send: (text: string) => void = this.#send,
  ): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      // Unique over replicas and restarts: the answer may reach another server object.
      const id = `${this.#nextId++}-${globalThis.crypto.randomUUID()}`;
      const onAbort = (): void => {
        this.#waiting.delete(id);
        const cancelled = { requestId: id, reason: "the request that asked has ended" };
        send(notificationText("notifications/cancelled", cancelled));
        reject(signal.reason);
      };
      const done = (): void => signal.removeEventListener("abort", onAbort);
      this.#waiting.set(id, {
        resolve: (result) => {
          done();
          resolve(result);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      signal.addEventListener("abort", onAbort);
      send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Hands an answer to whoever waits for it. @returns whether anyone did. */
  settle(response: JsonRpcResponse): boolean {
    const { id } = response;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined) return false;
    this.#waiting.delete(id as RequestId);
    if ("result" in response) waiting.resolve(response.result);
    else {
      const { code, message, data } = response.error;
      waiting.reject(new MCPError(code, message, { data }));
    }
    return true;
  }

  /** Fails every waiting request. */
  close(reason: string): void {
    const error = new MCPError(ErrorCode.internalError, reason);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
