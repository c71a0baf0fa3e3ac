import {
  isJsonObject,
  type JsonObject,
  LATEST_MODERN_REVISION,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  type MessageTransport,
} from "@backplane/protocol";

/** How a request of the dashboard ended: as the server's answer has it. */
export type Answer =
  | { readonly result: JsonObject }
  | {
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
    };

/** What the server says while a request runs. */
export type OnNotification = (method: string, params: JsonObject) => void;

const META: JsonObject = {
  [META_PROTOCOL_VERSION]: LATEST_MODERN_REVISION,
  [META_CLIENT_INFO]: { name: "backplane-dashboard", version: "1.0.0" },
  // What the page can do: show a form, or a link.
  [META_CLIENT_CAPABILITIES]: { elicitation: { form: {}, url: {} } },
};
const GONE = { error: { code: -32_000, message: "The connection to the server has ended" } };

/** One MCP client of the server's own, for one request after the other, over a connection in memory. */
export class ServerClient {
  readonly #transport: MessageTransport;
  #waiting: ((answer: Answer) => void) | undefined;
  #onNotification: OnNotification | undefined;
  #id = 0;
  #closed = false;

  constructor(transport: MessageTransport) {
    this.#transport = transport;
    transport.start({
      onMessage: (text) => this.#receive(JSON.parse(text) as JsonObject),
      onClose: () => {
        this.#closed = true;
        this.#settle(GONE);
      },
    });
  }

  /** Never rejects. */
  request(method: string, params: JsonObject, onNotification?: OnNotification): Promise<Answer> {
    if (this.#closed) return Promise.resolve(GONE);
    const id = ++this.#id;
    const meta: JsonObject =
      onNotification === undefined
        ? META
        : { ...META, progressToken: id, [META_LOG_LEVEL]: "debug" };
    this.#onNotification = onNotification;
    return new Promise((resolve) => {
      this.#waiting = resolve;
      const message = { jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } };
      this.#transport.send(JSON.stringify(message));
    });
  }

  /** Ends the connection; a request that runs is cancelled. */
  close(): void {
    if (!this.#closed && this.#waiting !== undefined) {
      const params = { requestId: this.#id, reason: "the page does not want the answer any more" };
      const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params };
      this.#transport.send(JSON.stringify(cancel));
    }
    void this.#transport.close();
  }

  #receive(message: JsonObject): void {
    const { id, method, result, error, params } = message;
    if (typeof method === "string") {
      this.#onNotification?.(method, isJsonObject(params) ? params : {});
    } else if (id === this.#id) {
      this.#settle((isJsonObject(result) ? { result } : { error }) as Answer);
    }
  }

  #settle(answer: Answer): void {
    this.#waiting?.(answer);
    this.#waiting = undefined;
  }
}
