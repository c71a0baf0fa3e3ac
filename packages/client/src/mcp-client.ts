import {
  type ClientCapabilities,
  type Era,
  type JsonObject,
  type Revision,
  wholeNumber,
} from "@backplane/protocol";
import type { CircuitState } from "./circuit-breaker.ts";
import { ClientCore } from "./client-core.ts";
import { ClientMethods, type MethodCall } from "./client-methods.ts";
import type { Link } from "./link.ts";
import { createLinkOpener, type LinkOpener } from "./link-opener.ts";
import type { ClientInterceptor, MCPClientOptions } from "./options.ts";
import { resolveBehaviour, resolveTarget } from "./resolve-options.ts";
import type { ServerDescription } from "./server-description.ts";
import { SharedLink } from "./shared-link.ts";
import type {
  ListenFilter,
  ListenHandlers,
  Listening,
  ResourceListener,
} from "./subscription-types.ts";

const SUBJECT = "MCPClient";
const OWN_OPTIONS: readonly string[] = [
  "url",
  "stdio",
  "transport",
  "maxSockets",
] satisfies (keyof MCPClientOptions)[];

/**
 * A client of one MCP server of any revision, over HTTP, stdio or a given transport.
 *
 * Security: credentials go to the configured origin only, redirects are not followed, and what the server
 * says of itself or of its tools is never a basis for trust.
 */
export class MCPClient extends ClientMethods {
  protected readonly toolBook: ClientCore["tools"];
  protected readonly maxPages: number;
  readonly #core: ClientCore;
  readonly #opener: LinkOpener;
  readonly #link: SharedLink;

  /** @throws {TypeError} that names the option and what it takes. */
  constructor(options: MCPClientOptions) {
    super();
    const behaviour = resolveBehaviour(SUBJECT, options, OWN_OPTIONS);
    const target = resolveTarget(SUBJECT, options);
    this.#link = new SharedLink((signal) => this.#open(signal));
    this.#opener = createLinkOpener(
      SUBJECT,
      target,
      behaviour,
      wholeNumber(SUBJECT, "maxSockets", options.maxSockets ?? 64),
    );
    this.#core = new ClientCore({
      subject: SUBJECT,
      given: options,
      behaviour,
      source: this.#link,
      target: this.#opener.name,
    });
    this.toolBook = this.#core.tools;
    this.maxPages = behaviour.limits.maxPages;
  }

  /** Identifies this client in interceptors and channel payloads. */
  get clientId(): string {
    return this.#core.clientId;
  }

  /** What the server said of itself when the last connection was opened; undefined before. */
  get server(): ServerDescription | undefined {
    return this.#core.server;
  }

  /** The era of the last connection; undefined before the first. */
  get era(): Era | undefined {
    return this.#link.agreement?.era;
  }

  /** The revision of the last connection; undefined before the first. */
  get revision(): Revision | undefined {
    return this.#link.agreement?.revision;
  }

  /** What this client declares that it can be asked, by its handlers. */
  get capabilities(): ClientCapabilities {
    return this.#core.inputs.capabilities;
  }

  /** The circuit breaker's state; undefined without one. */
  get circuit(): CircuitState | undefined {
    return this.#core.breaker?.state;
  }

  /**
   * Opens the connection and settles the era. Not needed: the first request does the same. Idempotent.
   * @throws {MCPClientError} `connection_failed`, `unauthorized`, `unsupported_version`, `timeout` and others.
   */
  async connect(): Promise<void> {
    await this.#link.acquire();
  }

  /** Adds interceptors around every request, ordered by phase. @throws {TypeError} for an unknown phase. */
  use(...interceptors: readonly ClientInterceptor[]): this {
    this.#core.use(interceptors);
    return this;
  }

  /**
   * Asks whether the server answers: `server/discover` in the modern era, `ping` in the legacy one. A real
   * request; nothing is answered from a cache.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
   */
  async ping(options: MethodCall["options"] = {}): Promise<void> {
    const link = await this.#link.acquire();
    const method = link.era === "modern" ? "server/discover" : "ping";
    await this.#core.ask({ method, params: {}, options, headers: [], idempotent: true });
  }

  /**
   * Hears of changes: of the lists, and of resources. The stream is opened again when it breaks; after that
   * every change that may have been missed is told once more.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} `not_supported` when it offers
   * nothing of the filter, and everything else.
   */
  listen(filter: ListenFilter, handlers: ListenHandlers): Promise<Listening> {
    return this.#core.hub.listen(filter, handlers);
  }

  /**
   * Hears of changes of one resource, or of its sub-resources. Throws as `listen` does.
   * @param listener called with the URI that changed, and once more after a reconnect.
   */
  subscribe(uri: string, listener: ResourceListener): Promise<Listening> {
    return this.#core.hub.subscribe(uri, listener);
  }

  /**
   * Ends subscriptions, requests under way (`closed`), the session or process, and the sockets. Idempotent;
   * the client cannot be used again.
   */
  async close(): Promise<void> {
    this.#core.closing();
    await this.#core.hub.close();
    await this.#link.close();
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  protected get mirrorsArguments(): boolean {
    return this.#opener.overHttp && this.era === "modern";
  }

  protected send(call: MethodCall): Promise<JsonObject> {
    return this.#core.send(call);
  }

  async #open(signal: AbortSignal): Promise<Link> {
    const link = await this.#opener.open(this.#core, signal);
    this.#core.opened(link);
    return link;
  }
}
