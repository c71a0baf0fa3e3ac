import { wholeNumber } from "@backplane/protocol";
import { ClientCore } from "./client-core.ts";
import { ClientFace } from "./client-face.ts";
import type { Link } from "./link.ts";
import { createLinkOpener, type LinkOpener } from "./link-opener.ts";
import { acquireLink } from "./link-source.ts";
import type { MCPClientOptions } from "./options.ts";
import type { ListLimits } from "./pagination.ts";
import { listLimitsOf, resolveBehaviour, resolveTarget } from "./resolve-options.ts";
import { SharedLink } from "./shared-link.ts";

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
export class MCPClient extends ClientFace {
  protected readonly core: ClientCore;
  protected readonly source: SharedLink;
  protected readonly overHttp: boolean;
  protected readonly listLimits: ListLimits;
  readonly #opener: LinkOpener;

  /** @throws {TypeError} that names the option and what it takes. */
  constructor(options: MCPClientOptions) {
    super();
    const behaviour = resolveBehaviour(SUBJECT, options, OWN_OPTIONS);
    const target = resolveTarget(SUBJECT, options);
    this.source = new SharedLink((signal) => this.#open(signal));
    this.#opener = createLinkOpener(
      SUBJECT,
      target,
      behaviour,
      wholeNumber(SUBJECT, "maxSockets", options.maxSockets ?? 64),
    );
    this.core = new ClientCore({
      subject: SUBJECT,
      given: options,
      behaviour,
      source: this.source,
      target: this.#opener.name,
      cacheName: this.#opener.cacheName,
      query: this.#opener.query,
    });
    this.overHttp = this.#opener.overHttp;
    this.listLimits = listLimitsOf(behaviour);
  }

  /**
   * Opens the connection and settles the era. Not needed: the first request does the same. Idempotent.
   * @throws {MCPClientError} `connection_failed`, `unauthorized`, `unsupported_version`, `timeout` and others.
   */
  async connect(): Promise<void> {
    await acquireLink(this.source);
  }

  /**
   * Tells a legacy server that `handlers.roots` answers differently now. Nothing is sent to a modern server,
   * which asks anew with each request, or without a connection.
   * @throws {MCPClientError} `not_supported` unless `handlers.roots` is a function; `connection_lost` and others.
   */
  async rootsChanged(): Promise<void> {
    await this.core.inputs.rootsChanged(this.source.current);
  }

  /**
   * Ends subscriptions, requests under way (`closed`), the session or process, and the sockets. Idempotent;
   * the client cannot be used again.
   */
  async close(): Promise<void> {
    this.core.closing();
    await this.core.hub.close();
    await this.source.close();
    this.core.close();
  }

  async #open(signal: AbortSignal): Promise<Link> {
    const link = await this.#opener.open(this.core, signal);
    this.core.opened(link);
    return link;
  }
}
