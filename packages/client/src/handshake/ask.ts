import {
  isJsonObject,
  type JsonObject,
  type JsonRpcErrorObject,
  MCPError,
  messageKind,
  type RequestId,
} from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { Failure } from "../negotiation/types.ts";
import type { ClientTransport, OutgoingRequest, ResponseReceiver } from "../transport.ts";

/** What came of one request of the handshake. */
export type Reply =
  | { readonly result: JsonObject; readonly sessionId: string | undefined }
  | { readonly error: Failure; readonly status: number | undefined };

/** Sends one request and waits for its response. Never rejects; `onOther` gets what comes before it. */
export function ask(
  transport: ClientTransport,
  request: OutgoingRequest,
  onOther: (message: unknown) => void,
): Promise<Reply> {
  return new Promise((resolve) => {
    transport.request(request, new Inquiry(transport, request, onOther, resolve));
  });
}

class Inquiry implements ResponseReceiver {
  readonly #transport: ClientTransport;
  readonly #request: OutgoingRequest;
  readonly #onOther: (message: unknown) => void;
  readonly #resolve: (reply: Reply) => void;
  #sessionId: string | undefined;
  #status: number | undefined;
  #retryAfterMs: number | undefined;

  constructor(
    transport: ClientTransport,
    request: OutgoingRequest,
    onOther: (message: unknown) => void,
    resolve: (reply: Reply) => void,
  ) {
    this.#transport = transport;
    this.#request = request;
    this.#onOther = onOther;
    this.#resolve = resolve;
  }

  onSession(sessionId: string): void {
    this.#sessionId = sessionId;
  }

  onStatus(status: number, retryAfterMs: number | undefined): void {
    this.#status = status;
    this.#retryAfterMs = retryAfterMs;
  }

  onFailure(error: MCPClientError): void {
    this.#resolve({ error, status: error.status });
  }

  onMessage(message: unknown): void {
    const kind = messageKind(message);
    if (kind === "request" || kind === "notification") {
      this.#onOther(message);
      return;
    }
    const { id } = this.#request;
    const answer = message as {
      readonly id?: RequestId;
      readonly result: JsonObject;
      readonly error: JsonRpcErrorObject;
    };
    if (kind === "result" && answer.id === id) {
      this.#resolve({ result: answer.result, sessionId: this.#sessionId });
    } else if (kind === "failure" && (answer.id === undefined || answer.id === id)) {
      this.#resolve({ error: this.#errorOf(answer.error), status: this.#status });
    } else this.#refuse();
  }

  #errorOf({ code, message, data }: JsonRpcErrorObject): MCPError {
    const said = isJsonObject(data) ? data["retryAfterMs"] : undefined;
    const retryAfterMs = typeof said === "number" && said >= 0 ? said : this.#retryAfterMs;
    return new MCPError(code, message, {
      data,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }

  #refuse(): void {
    const { id, method } = this.#request;
    this.#transport.abandon(id);
    const text = `${method}: the server's answer is no response to it`;
    this.#resolve({ error: new MCPClientError("invalid_response", text), status: this.#status });
  }
}
