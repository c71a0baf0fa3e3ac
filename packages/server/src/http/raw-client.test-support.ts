import { randomUUID } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";

/** A JSON-RPC message, as loosely as a test reads it. */
export interface WireMessage {
  readonly jsonrpc: "2.0";
  readonly id?: string | number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever arrived
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever arrived
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface WireEvent {
  readonly id?: string;
  readonly event?: string;
  readonly retry?: string;
  readonly data?: string;
}

/** Longest wait for anything: past it a test has hung. */
const HANG_MS = 10_000;

/** A response whose body is read as it comes. */
export class RawResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly events: WireEvent[] = [];
  readonly #incoming: IncomingMessage;
  #text = "";
  #parsed = 0;
  #read = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(incoming: IncomingMessage) {
    this.status = incoming.statusCode as number;
    this.headers = incoming.headers;
    this.#incoming = incoming;
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      this.#text += chunk;
      if (this.isStream) this.#parse();
      this.#wake();
    });
    incoming.on("error", () => {});
    incoming.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  get isStream(): boolean {
    return this.headers["content-type"] === "text/event-stream";
  }

  /** Every message so far. */
  get messages(): readonly WireMessage[] {
    return this.events.flatMap(({ data }) => (data?.startsWith("{") ? [JSON.parse(data)] : []));
  }

  get lastEventId(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? "";
  }

  /** The next event; undefined when the stream has ended. */
  async nextEvent(): Promise<WireEvent | undefined> {
    await this.#until(() => this.#read < this.events.length || this.#ended);
    return this.events[this.#read++];
  }

  /** The next message of a method; undefined for the next response. Others are passed over. */
  async next(method: string | undefined): Promise<WireMessage> {
    for (;;) {
      const event = await this.nextEvent();
      if (event === undefined) throw new Error(`the stream ended before ${method ?? "a response"}`);
      if (!event.data?.startsWith("{")) continue;
      const message = JSON.parse(event.data) as WireMessage;
      if (message.method === method) return message;
    }
  }

  /** Waits for the end and gives the body as text. */
  async text(): Promise<string> {
    await this.#until(() => this.#ended);
    return this.#text;
  }

  async json(): Promise<WireMessage> {
    return JSON.parse(await this.text()) as WireMessage;
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  /** Goes away, as a client whose network broke. */
  abort(): void {
    this.#incoming.destroy();
  }

  #parse(): void {
    for (let end = this.#text.indexOf("\n\n", this.#parsed); end !== -1; ) {
      const block = this.#text.slice(this.#parsed, end);
      this.#parsed = end + 2;
      if (!block.startsWith(":")) this.events.push(parseEvent(block));
      end = this.#text.indexOf("\n\n", this.#parsed);
    }
  }

  async #until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + HANG_MS;
    while (!holds()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error("nothing arrives any more")),
          deadline - Date.now(),
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function parseEvent(block: string): WireEvent {
  const fields = block.split("\n").map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
  });
  return Object.fromEntries(fields) as WireEvent;
}

export type Headers = Readonly<Record<string, string | undefined>>;

/** One HTTP request on a connection of its own, over `node:http` and nothing else. */
export function send(
  url: string,
  method: string,
  headers: Headers,
  body?: unknown,
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const given = Object.entries(headers).filter(([, value]) => value !== undefined);
    const outgoing = httpRequest(url, {
      method,
      agent: false,
      headers: Object.fromEntries(given) as Record<string, string>,
    });
    outgoing.on("response", (incoming) => resolve(new RawResponse(incoming)));
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export interface RawSessionOptions {
  readonly revision?: string;
  readonly capabilities?: object;
  /** Sent with every request. */
  readonly headers?: Headers;
}

/** A legacy client that may send each request to another URL. */
export class RawSession {
  readonly id: string;
  readonly initialized: WireMessage;
  readonly #revision: string;
  readonly #headers: Headers;
  #nextId = 100;

  private constructor(id: string, initialized: WireMessage, revision: string, headers: Headers) {
    this.id = id;
    this.initialized = initialized;
    this.#revision = revision;
    this.#headers = headers;
  }

  static async open(url: string, options: RawSessionOptions = {}): Promise<RawSession> {
    const { revision = "2025-11-25", headers = {} } = options;
    const response = await send(
      url,
      "POST",
      { ...POST_HEADERS, ...headers },
      initializeMessage(revision, options.capabilities ?? {}),
    );
    const message = await response.json();
    const id = response.headers["mcp-session-id"];
    if (typeof id !== "string") throw new Error(`no session: ${JSON.stringify(message)}`);
    const session = new RawSession(id, message, revision, headers);
    await session.notify(url, "notifications/initialized");
    return session;
  }

  get headers(): Headers {
    return {
      "mcp-session-id": this.id,
      "mcp-protocol-version": this.#revision,
      ...this.#headers,
    };
  }

  post(url: string, message: unknown, headers: Headers = {}): Promise<RawResponse> {
    return send(url, "POST", { ...POST_HEADERS, ...this.headers, ...headers }, message);
  }

  /** Sends a request; its response is read as it comes. */
  open(url: string, method: string, params?: object, id?: string | number): Promise<RawResponse> {
    return this.post(url, requestMessage(id ?? this.#nextId++, method, params));
  }

  /** Sends a request whose answer is one message, in JSON or at the end of a stream. */
  async request(url: string, method: string, params?: object): Promise<WireMessage> {
    const response = await this.open(url, method, params);
    return response.isStream ? response.next(undefined) : response.json();
  }

  call(url: string, name: string, args: object = {}, meta: object = {}): Promise<RawResponse> {
    return this.open(url, "tools/call", { name, arguments: args, _meta: meta });
  }

  async notify(url: string, method: string, params?: object): Promise<number> {
    const response = await this.post(url, { jsonrpc: "2.0", method, params });
    await response.text();
    return response.status;
  }

  async answer(url: string, id: string | number | undefined, result: object): Promise<number> {
    const response = await this.post(url, { jsonrpc: "2.0", id, result });
    await response.text();
    return response.status;
  }

  get(url: string, lastEventId?: string): Promise<RawResponse> {
    return send(url, "GET", {
      accept: "text/event-stream",
      "last-event-id": lastEventId,
      ...this.headers,
    });
  }

  async delete(url: string): Promise<number> {
    const response = await send(url, "DELETE", this.headers);
    await response.text();
    return response.status;
  }
}

export const POST_HEADERS: Headers = {
  accept: "application/json, text/event-stream",
  "content-type": "application/json",
};

export function requestMessage(id: string | number, method: string, params?: object): object {
  return { jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) };
}

export function initializeMessage(protocolVersion: string, capabilities: object): object {
  return requestMessage(randomUUID(), "initialize", {
    protocolVersion,
    capabilities,
    clientInfo: { name: "raw", version: "1" },
  });
}
