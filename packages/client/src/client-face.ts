import type {
  ClientCapabilities,
  ClientLoad,
  Era,
  JsonObject,
  Revision,
} from "@backplane/protocol";
import type { CircuitState } from "./circuit-breaker.ts";
import type { ClientCore } from "./client-core.ts";
import { ClientMethods } from "./client-methods.ts";
import { acquireLink, type LinkSource } from "./link-source.ts";
import type { ClientInterceptor } from "./options.ts";
import type { RequestOptions } from "./request-options.ts";
import type { MethodCall } from "./request-plan.ts";
import type { ServerDescription } from "./server-description.ts";
import type {
  ListenFilter,
  ListenHandlers,
  Listening,
  ResourceListener,
} from "./subscription-types.ts";
import type { ToolBook } from "./tool-book.ts";

/** What a client and a pool show of themselves beside the methods of MCP. */
export abstract class ClientFace extends ClientMethods {
  protected abstract readonly core: ClientCore;
  protected abstract readonly source: LinkSource;
  protected abstract readonly overHttp: boolean;

  /** Identifies this client in interceptors and channel payloads. */
  get clientId(): string {
    return this.core.clientId;
  }

  /** What the server said of itself when the last connection was opened; undefined before. */
  get server(): ServerDescription | undefined {
    return this.core.server;
  }

  /** The era of the last connection; undefined before the first. */
  get era(): Era | undefined {
    return this.source.agreement?.era;
  }

  /** The revision of the last connection; undefined before the first. */
  get revision(): Revision | undefined {
    return this.source.agreement?.revision;
  }

  /** What this client declares that it can be asked, by its handlers. */
  get capabilities(): ClientCapabilities {
    return this.core.inputs.capabilities;
  }

  /** The circuit breaker's state; undefined without one. */
  get circuit(): CircuitState | undefined {
    return this.core.breaker?.state;
  }

  /** Requests that run and wait now. */
  get load(): ClientLoad {
    const { running, queued } = this.core.bulkhead;
    return { running, queued };
  }

  /** Adds interceptors around every request, ordered by phase. @throws {TypeError} for an unknown phase. */
  use(...interceptors: readonly ClientInterceptor[]): this {
    this.core.use(interceptors);
    return this;
  }

  /**
   * Asks whether the server answers: `server/discover` in the modern era, `ping` in the legacy one. A real
   * request; nothing is answered from a cache.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
   */
  async ping(options: RequestOptions = {}): Promise<void> {
    // The era may be another one than last time.
    const link = await acquireLink(this.source, options.signal);
    const method = pingMethod(link.era);
    this.source.release(link, undefined);
    await this.core.ask({ method, params: {}, options, headers: [], idempotent: true });
  }

  /**
   * Hears of changes: of the lists, and of resources. The stream is opened again when it breaks; after that
   * every change that may have been missed is told once more.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} `not_supported` when it offers
   * nothing of the filter, and everything else.
   */
  listen(filter: ListenFilter, handlers: ListenHandlers): Promise<Listening> {
    return this.core.hub.listen(filter, handlers);
  }

  /**
   * Hears of changes of one resource, or of its sub-resources. Throws as `listen` does.
   * @param listener called with the URI that changed, and once more after a reconnect.
   */
  subscribe(uri: string, listener: ResourceListener): Promise<Listening> {
    return this.core.hub.subscribe(uri, listener);
  }

  /** Ends everything; the client cannot be used again. */
  abstract close(): Promise<void>;

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  protected get toolBook(): ToolBook {
    return this.core.tools;
  }

  protected toolsChanged(): void {
    this.core.toolsChanged();
  }

  protected get mirrorsArguments(): boolean {
    return this.overHttp && this.era === "modern";
  }

  protected send(call: MethodCall): Promise<JsonObject> {
    return this.core.send(call);
  }
}

/** The request that every server of an era answers. */
export function pingMethod(era: Era): string {
  return era === "modern" ? "server/discover" : "ping";
}
