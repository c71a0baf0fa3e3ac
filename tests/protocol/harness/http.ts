import { Agent, type IncomingMessage, request } from "node:http";
import {
  type ModernOptions,
  modernHeaders,
  modernRequest,
  type Params,
  type WireMessage,
} from "./messages.ts";
import { messagesOf, type SseEvent, SseParser } from "./sse.ts";

// Long enough for a loaded machine: reached only when something hangs.
const hangMs = 20_000;

export type Headers = Record<string, string | string[]>;

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Headers;
  /** Sent as it is when a string or bytes, as JSON otherwise. */
  readonly body?: unknown;
  readonly agent?: Agent;
}

/** A complete HTTP exchange. */
export interface Exchange {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The events of an event stream, in order; empty for other bodies. */
  readonly events: readonly SseEvent[];
  /** Every JSON-RPC message of the body. */
  readonly messages: readonly WireMessage[];
  /** The last message: the response, when there is one. */
  readonly message: WireMessage | undefined;
}

function bodyBytes(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body), "utf8");
}

function start(url: string, options: SendOptions): Promise<IncomingMessage> {
  const bytes = bodyBytes(options.body);
  const method = options.method ?? "POST";
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: options.agent ?? new Agent({ keepAlive: false }),
      headers: {
        ...(bytes !== undefined &&
          options.headers?.["transfer-encoding"] === undefined && {
            "content-length": String(bytes.length),
          }),
        ...options.headers,
      },
    });
    outgoing.setTimeout(hangMs, () => outgoing.destroy(new Error(`${method} ${url} hangs`)));
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      outgoing.off("error", reject);
      // A stream that the test closes itself ends with an error that nobody waits for.
      outgoing.on("error", () => undefined);
      resolve(incoming);
    });
    outgoing.end(bytes);
  });
}

function isEventStream(headers: IncomingMessage["headers"]): boolean {
  return headers["content-type"]?.startsWith("text/event-stream") ?? false;
}

/** Sends one HTTP request and reads the whole answer. */
export async function send(url: string, options: SendOptions = {}): Promise<Exchange> {
  const incoming = await start(url, options);
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const { headers } = incoming;
  const parser = new SseParser();
  let messages: WireMessage[] = [];
  if (isEventStream(headers)) {
    parser.push(text);
    messages = messagesOf(parser.events);
  } else if (headers["content-type"]?.startsWith("application/json") && text !== "") {
    const parsed = JSON.parse(text) as WireMessage | WireMessage[];
    messages = Array.isArray(parsed) ? parsed : [parsed];
  }
  const status = incoming.statusCode ?? 0;
  return { status, headers, text, events: parser.events, messages, message: messages.at(-1) };
}

/** An event stream that is still open. */
export class OpenStream {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly #incoming: IncomingMessage;
  readonly #parser = new SseParser();
  #read = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(incoming: IncomingMessage) {
    this.status = incoming.statusCode ?? 0;
    this.headers = incoming.headers;
    this.#incoming = incoming;
    incoming.setEncoding("utf8");
    incoming.on("data", (text: string) => {
      this.#parser.push(text);
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    incoming.on("close", end);
    incoming.on("error", end);
  }

  get events(): readonly SseEvent[] {
    return this.#parser.events;
  }

  get messages(): WireMessage[] {
    return messagesOf(this.#parser.events);
  }

  get comments(): readonly string[] {
    return this.#parser.comments;
  }

  /** The next event, or undefined once the stream has ended. */
  async nextEvent(): Promise<SseEvent | undefined> {
    const deadline = Date.now() + hangMs;
    for (;;) {
      const event = this.#parser.events[this.#read];
      if (event) {
        this.#read++;
        return event;
      }
      if (this.#ended) return undefined;
      await this.#change(deadline);
    }
  }

  /** The next event that holds a message. */
  async next(): Promise<WireMessage | undefined> {
    for (;;) {
      const event = await this.nextEvent();
      if (event === undefined) return undefined;
      if (event.data) return JSON.parse(event.data) as WireMessage;
    }
  }

  /** The next message that passes `wanted`; the others are dropped. */
  async until(wanted: (message: WireMessage) => boolean): Promise<WireMessage> {
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error("the stream ended without the expected message");
      if (wanted(message)) return message;
    }
  }

  /** Waits for the server to end the stream. */
  async ended(): Promise<void> {
    const deadline = Date.now() + hangMs;
    while (!this.#ended) await this.#change(deadline);
  }

  /** Closes the connection, as a client that goes away does. */
  close(): void {
    this.#incoming.destroy();
  }

  async #change(deadline: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error("the stream stays silent")),
        Math.max(0, deadline - Date.now()),
      );
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Sends one HTTP request and resolves with its headers; the body is read as it comes. */
export async function open(url: string, options: SendOptions = {}): Promise<OpenStream> {
  return new OpenStream(await start(url, options));
}

export interface ModernCallOptions extends ModernOptions {
  /** More or other headers; one set to undefined is left out. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly agent?: Agent;
}

function modernSendOptions(
  method: string,
  params: Params,
  options: ModernCallOptions,
): SendOptions {
  const body = modernRequest(method, params, options);
  const merged = { ...modernHeaders(body), ...options.headers };
  const headers = Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== undefined),
  ) as Headers;
  return { headers, body, ...(options.agent && { agent: options.agent }) };
}

/** A modern request with everything that the specification asks of a client. */
export function modern(
  url: string,
  method: string,
  params: Params = {},
  options: ModernCallOptions = {},
): Promise<Exchange> {
  return send(url, modernSendOptions(method, params, options));
}

/** The same, with the answer read as it comes. */
export function openModern(
  url: string,
  method: string,
  params: Params = {},
  options: ModernCallOptions = {},
): Promise<OpenStream> {
  return open(url, modernSendOptions(method, params, options));
}

/** A modern `tools/call`. */
export function callTool(
  url: string,
  name: string,
  args: Params = {},
  options: ModernCallOptions & { readonly params?: Params } = {},
): Promise<Exchange> {
  return modern(url, "tools/call", { name, arguments: args, ...options.params }, options);
}

/** A modern `subscriptions/listen`, past its acknowledgement. */
export async function listen(
  url: string,
  notifications: Params,
  options: ModernCallOptions = {},
): Promise<{ readonly stream: OpenStream; readonly acknowledgement: WireMessage | undefined }> {
  const stream = await openModern(url, "subscriptions/listen", { notifications }, options);
  return { stream, acknowledgement: await stream.next() };
}
