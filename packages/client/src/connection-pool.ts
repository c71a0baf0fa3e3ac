import { ErrorCode, type JsonObject, type MCPError, monotonicClock } from "@backplane/protocol";
import { ClientCore } from "./client-core.ts";
import { ClientFace, pingMethod } from "./client-face.ts";
import { MCPClientError } from "./errors.ts";
import type { Link } from "./link.ts";
import { createLinkOpener } from "./link-opener.ts";
import type { ClientBehaviour } from "./options.ts";
import type { ListLimits } from "./pagination.ts";
import { LinkPool } from "./pool/link-pool.ts";
import { verdictOn } from "./pool/pool-member.ts";
import { POOL_OPTIONS, type PoolOptions, resolvePoolOptions } from "./pool/pool-options.ts";
import type { PoolStats } from "./pool/pool-stats.ts";
import type { MethodCall } from "./request-plan.ts";
import { listLimitsOf, resolveBehaviour, resolveUrl } from "./resolve-options.ts";
import { SharedLink } from "./shared-link.ts";
import { ask } from "./subscriptions/ask.ts";

const SUBJECT = "MCPConnectionPool";

/** Sockets of one connection: more would be requests that no limit of the pool counts. */
const SOCKETS = 1;

/** Longest wait for the answer to a health check. */
const HEALTH_CHECK_MS = 5_000;

/** What `new MCPConnectionPool` takes. Only `url` is required. */
export interface MCPConnectionPoolOptions extends ClientBehaviour, Partial<PoolOptions> {
  /** The MCP endpoint over HTTP, such as `https://mcp.example/mcp`. */
  readonly url: string | URL;
}

/**
 * Many requests at once to one MCP server over HTTP, on a bounded number of connections that are proved before they
 * are used. A connection is one socket, or in the legacy era one session; each carries one request at a time.
 * Subscriptions have a connection of their own. Everything else is as in `MCPClient`, its security included.
 */
export class MCPConnectionPool extends ClientFace {
  protected readonly core: ClientCore;
  protected readonly source: LinkPool;
  protected readonly overHttp: boolean = true;
  protected readonly listLimits: ListLimits;
  readonly #streams: SharedLink;
  #draining: Promise<void> | undefined = undefined;

  /** @throws {TypeError} that names the option and what it takes. */
  constructor(options: MCPConnectionPoolOptions) {
    super();
    const behaviour = resolveBehaviour(SUBJECT, options, ["url", ...POOL_OPTIONS]);
    const target = { url: resolveUrl(SUBJECT, options.url) };
    const sizes = resolvePoolOptions(SUBJECT, options);
    const opener = createLinkOpener(SUBJECT, target, behaviour, SOCKETS);
    this.source = new LinkPool({
      options: sizes,
      open: (signal) => opener.open(this.core, signal),
      onServer: (link) => this.core.opened(link),
      check: (link) => prove(link, Math.min(HEALTH_CHECK_MS, sizes.connectionTimeoutMs)),
      logger: behaviour.logger,
    });
    this.#streams = new SharedLink((signal) => opener.open(this.core, signal));
    this.core = new ClientCore({
      subject: SUBJECT,
      given: options,
      behaviour,
      source: this.source,
      streams: this.#streams,
      target: opener.name,
      cacheName: opener.cacheName,
      query: opener.query,
    });
    this.listLimits = listLimitsOf(behaviour);
  }

  /** What the pool holds now, and has held. */
  get stats(): PoolStats {
    return this.source.stats;
  }

  /**
   * Opens `minConnections` and proves each with a real request. Not needed: the first request opens the first
   * connection. When it fails nothing stays open, and it can be called again. Idempotent.
   * @throws {MCPClientError} `connection_failed`, `unauthorized`, `unsupported_version`, `timeout` and others.
   */
  connect(): Promise<void> {
    return this.source.connect();
  }

  /**
   * Refuses new requests with `closed`, waits for those that run or wait, and closes. What is not done after
   * `timeoutMs` (milliseconds, default 30,000, `Infinity` for no limit) fails with `closed`. Idempotent: the
   * first limit counts.
   */
  async drain(timeoutMs = 30_000): Promise<void> {
    if (!(timeoutMs >= 0)) {
      throw new TypeError(
        `${SUBJECT}: drain(timeoutMs) takes milliseconds of 0 or more, not ${String(timeoutMs)}`,
      );
    }
    this.#draining ??= this.#drain(timeoutMs);
    await this.#draining;
  }

  /** Ends subscriptions, requests under way and waiting (`closed`), sessions and sockets. Idempotent. */
  async close(): Promise<void> {
    this.core.closing();
    await this.core.hub.close();
    await Promise.all([this.#streams.close(), this.source.close()]);
    this.core.close();
  }

  protected override send(call: MethodCall): Promise<JsonObject> {
    // A call that was begun may still need the list to check its result by.
    if (this.#draining !== undefined && call.method !== "tools/list") {
      return Promise.reject(
        new MCPClientError("closed", `${call.method}: the pool drains and takes no new requests`),
      );
    }
    return super.send(call);
  }

  async #drain(timeoutMs: number): Promise<void> {
    let late = false;
    const cancel =
      timeoutMs === Number.POSITIVE_INFINITY
        ? undefined
        : monotonicClock.after(timeoutMs, () => {
            late = true;
            void this.close();
          });
    const { bulkhead } = this.core;
    while (!late && bulkhead.running > 0) {
      await bulkhead.whenEmpty();
      // What ended may have been the first half of a call: the second begins before the next turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    cancel?.();
    await this.close();
  }
}

/** @throws {MCPError} {@link MCPClientError} when the connection is of no use. Any other answer proves it. */
async function prove(link: Link, timeoutMs: number): Promise<void> {
  try {
    await ask(link, pingMethod(link.era), {}, timeoutMs);
  } catch (error) {
    if (isUseless(error as MCPError | MCPClientError)) throw error;
  }
}

/** Another connection may reach another replica, behind the same address. */
function isUseless(failure: MCPError | MCPClientError): boolean {
  if (verdictOn(failure) !== undefined || failure.code === ErrorCode.unavailable) return true;
  return failure.code === "http_status" && ((failure as MCPClientError).status as number) >= 500;
}
