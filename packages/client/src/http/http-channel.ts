import { IntrusiveList } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import { HttpCall, type HttpCallHost, type HttpReply } from "./http-call.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpRequest, HttpSender, HttpSenderModule, HttpTarget } from "./http-sender.ts";

/** Brings the implementation for this runtime. */
export type LoadHttpSender = () => Promise<HttpSenderModule>;

/** undici on Node, `fetch` elsewhere: the conditions of `imports` in package.json decide. */
export const loadHttpSender: LoadHttpSender = () => import("#http");

/** The way to one origin: its sender, its credentials, and the calls under way. */
export class HttpChannel {
  readonly #options: HttpTransportOptions;
  readonly #load: LoadHttpSender;
  readonly #running = new IntrusiveList<HttpCall>();
  readonly #origin: string;
  #host: HttpCallHost | undefined = undefined;
  #closed = false;

  constructor(options: HttpTransportOptions, target: HttpTarget, load: LoadHttpSender) {
    this.#options = options;
    this.#origin = target.origin;
    this.#load = load;
  }

  /** @throws {MCPClientError} `closed`, after `close`. */
  async open(): Promise<void> {
    const { createHttpSender } = await this.#load();
    if (this.#closed) throw closedError();
    const sender: HttpSender = createHttpSender({ ...this.#options, origin: this.#origin });
    this.#host = {
      sender,
      auth: this.#options.auth,
      ended: (call) => this.#running.delete(call),
    };
  }

  /** Sends one request; its reply is never called in here. */
  call(request: HttpRequest, reply: HttpReply): HttpCall | undefined {
    const host = this.#host;
    if (host === undefined || this.#closed) {
      queueMicrotask(() => reply.onError(closedError()));
      return undefined;
    }
    const call = new HttpCall(host, request, reply);
    this.#running.add(call);
    call.start();
    return call;
  }

  /** Fails what is under way with `closed`, and closes the own connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const call of this.#running.toArray()) call.fail(closedError());
    await this.#host?.sender.close();
  }
}

/** @throws {TypeError} when `url` is no place for an HTTP request. */
export function targetOf(url: string | URL): HttpTarget {
  const parsed = typeof url === "string" && !URL.canParse(url) ? undefined : new URL(url);
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    throw new TypeError(`url is "${url}"; write an absolute URL with http: or https:`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new TypeError("url carries credentials, which end up in logs; use auth instead");
  }
  parsed.hash = "";
  const { href, origin, pathname, search } = parsed;
  return { href, origin, path: pathname + search, place: origin + pathname };
}

/** What is under way ends so when the transport is closed. */
export function closedError(): MCPClientError {
  return new MCPClientError("closed", "the connection was closed");
}
