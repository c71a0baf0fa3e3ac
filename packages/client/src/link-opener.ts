import type { ClientCore } from "./client-core.ts";
import { connectionEnded, connectionOpened } from "./client-events.ts";
import { type Connected, connect } from "./connector.ts";
import { httpEraKey, stdioEraKey } from "./era-cache.ts";
import { MCPClientError } from "./errors.ts";
import { httpTransportOptions } from "./http-target.ts";
import { waitAwake } from "./internal/wait-awake.ts";
import { Link } from "./link.ts";
import { MessageClientTransport } from "./message-transport.ts";
import type { Carrier } from "./negotiation/types.ts";
import type { ClientTarget } from "./options.ts";
import type { ResolvedBehaviour } from "./resolve-options.ts";
import { NO_RESTARTS, RestartBudget } from "./stdio/restart-budget.ts";
import { type ResolvedStdioOptions, resolveStdioOptions } from "./stdio/stdio-options.ts";
import type { ClientTransport } from "./transport.ts";

/** Requests that one process or given transport may leave unanswered at once. */
const MAX_PENDING = 10_000;

/** How long a connection waits for the stream of a legacy server, in milliseconds. */
const SERVER_STREAM_MS = 3_000;

/** Opens links to one target, as its options say. */
export interface LinkOpener {
  /** The server for messages: no credentials, no query. */
  readonly name: string;
  /** The server in caches of results: that of a process or a given transport is of this opener alone. */
  readonly cacheName: string;
  /** The query of the URL, which may hold a credential; empty elsewhere. */
  readonly query: string;
  readonly overHttp: boolean;
  /**
   * @param signal ends the opening, with `aborted`.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
   */
  open(core: ClientCore, signal?: AbortSignal): Promise<Link>;
}

/**
 * @param maxSockets sockets that one link over HTTP may hold open at once.
 * @throws {TypeError} that names the option and what it takes.
 */
export function createLinkOpener(
  subject: string,
  target: ClientTarget,
  behaviour: ResolvedBehaviour,
  maxSockets: number,
): LinkOpener {
  if (target.url !== undefined) {
    return httpOpener(new URL(target.url), behaviour, maxSockets);
  }
  if (target.stdio !== undefined) {
    return stdioOpener(resolveStdioOptions(subject, target.stdio), behaviour);
  }
  return transportOpener(target, behaviour);
}

function httpOpener(url: URL, behaviour: ResolvedBehaviour, maxSockets: number): LinkOpener {
  const name = httpEraKey(url);
  const options = httpTransportOptions(url, behaviour, maxSockets);
  return {
    name,
    cacheName: name,
    query: url.search,
    overHttp: true,
    open: (core, signal) =>
      openLink(core, behaviour, {
        signal,
        carrier: "http",
        eraKey: name,
        makeTransport: async (carrier) => {
          if (carrier === "sse") {
            const { LegacySseTransport } = await import("./http/legacy-sse-transport.ts");
            return new LegacySseTransport(options);
          }
          const { HttpTransport } = await import("./http/http-transport.ts");
          return new HttpTransport(options);
        },
      }),
  };
}

function stdioOpener(stdio: ResolvedStdioOptions, behaviour: ResolvedBehaviour): LinkOpener {
  const { limits, logger, clock } = behaviour;
  const name = stdio.command;
  const budget = new RestartBudget(stdio.restart ?? NO_RESTARTS);
  const ended = (): void => budget.ended(clock.now());
  return {
    name,
    cacheName: globalThis.crypto.randomUUID(),
    query: "",
    overHttp: false,
    open: async (core, signal) => {
      await restartAllowed(name, budget, clock, signal);
      try {
        return await openLink(core, behaviour, {
          signal,
          carrier: "stdio",
          eraKey: await stdioEraKey(stdio),
          onLost: ended,
          makeTransport: async () => {
            const { StdioTransport } = await import("./stdio/stdio-transport.ts");
            return new StdioTransport({
              stdio,
              maxResponseBytes: limits.maxResponseBytes,
              maxJsonDepth: limits.maxJsonDepth,
              maxPending: MAX_PENDING,
              logger,
            });
          },
        });
      } catch (error) {
        // It was started, and ended before it could be used.
        const { code, retry } = error as Partial<MCPClientError>;
        if (code === "connection_failed" && retry === "always") ended();
        throw error;
      }
    },
  };
}

/** Waits until the process may be started again. @throws {MCPClientError} `connection_failed` when it may not. */
async function restartAllowed(
  command: string,
  budget: RestartBudget,
  clock: ResolvedBehaviour["clock"],
  signal: AbortSignal | undefined,
): Promise<void> {
  const delayMs = budget.delayMs(clock.now());
  if (delayMs === undefined) {
    const { maxRestarts, windowMs } = budget.options;
    const why =
      maxRestarts === 0
        ? 'option "stdio.restart" is false'
        : `it ended more than ${maxRestarts} times in ${windowMs} ms (option "stdio.restart")`;
    const text = `${command}: the server ended and is not started again: ${why}`;
    throw new MCPClientError("connection_failed", text, {
      retry: "never",
      details: { maxRestarts, windowMs },
    });
  }
  if (delayMs === 0) return;
  await new Promise<void>((resolve) => {
    // What follows an abort finds the signal aborted.
    const go = (): void => {
      cancel();
      signal?.removeEventListener("abort", go);
      resolve();
    };
    const cancel = waitAwake(delayMs, go);
    signal?.addEventListener("abort", go);
  });
}

/** A given transport is used once: nobody could open it again. */
function transportOpener({ transport }: ClientTarget, behaviour: ResolvedBehaviour): LinkOpener {
  const { limits, logger } = behaviour;
  const name = "given transport";
  let given = transport;
  return {
    name,
    cacheName: globalThis.crypto.randomUUID(),
    query: "",
    overHttp: false,
    open: (core, signal) => {
      const connection = given;
      given = undefined;
      if (connection === undefined) {
        const text = 'the transport of option "transport" has ended, and cannot be opened again';
        return Promise.reject(new MCPClientError("connection_failed", text, { retry: "never" }));
      }
      const kept = new MessageClientTransport(connection, {
        kind: "in-memory",
        name,
        maxMessageChars: limits.maxResponseBytes,
        maxJsonDepth: limits.maxJsonDepth,
        maxPending: MAX_PENDING,
        logger,
      });
      return openLink(core, behaviour, {
        signal,
        carrier: "in-memory",
        eraKey: undefined,
        makeTransport: () => kept,
      });
    },
  };
}

async function openLink(
  core: ClientCore,
  behaviour: ResolvedBehaviour,
  target: {
    readonly signal: AbortSignal | undefined;
    readonly carrier: "http" | "stdio" | "in-memory";
    readonly eraKey: string | undefined;
    readonly onLost?: () => void;
    makeTransport(carrier: Carrier): ClientTransport | Promise<ClientTransport>;
  },
): Promise<Link> {
  const { info, protocol, eraCache, connectTimeoutMs, clock, logger } = behaviour;
  const { transport, agreement, server, meta, lastId, attach }: Connected = await connect({
    info,
    capabilities: core.inputs.capabilities,
    protocol,
    carrier: target.carrier,
    makeTransport: target.makeTransport,
    eraCache,
    eraKey: target.eraKey,
    connectTimeoutMs,
    signal: target.signal,
    clock,
    logger,
  });
  const link = new Link({
    agreement,
    server,
    transport,
    meta,
    lastId,
    wheel: core.wheel,
    onEnded: (durationMs) => connectionEnded(core.events, durationMs),
    logger,
    events: {
      ...core.linkEvents,
      onClose: (error) => {
        target.onLost?.();
        core.closed(error);
      },
    },
  });
  connectionOpened(core.events);
  attach(Link.events(() => link));
  if (agreement.era === "legacy" && core.hearsServer)
    await hear(transport, behaviour, target.signal);
  return link;
}

/**
 * Opens the stream on which a legacy server asks and logs what it ties to no request: some tie nothing. Before
 * the first request, which may make it ask at once; but one that is slow with it keeps nobody waiting, and
 * whoever gave the opening up closes the link.
 */
async function hear(
  transport: ClientTransport,
  { clock, logger }: ResolvedBehaviour,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (transport.openServerStream === undefined || signal?.aborted === true) return;
  let stopWaiting = (): void => {};
  const late = new Promise<void>((resolve) => {
    const cancelTimer = clock.after(SERVER_STREAM_MS, resolve);
    const givenUp = (): void => resolve();
    signal?.addEventListener("abort", givenUp);
    stopWaiting = () => {
      cancelTimer();
      signal?.removeEventListener("abort", givenUp);
    };
  });
  const opened = transport.openServerStream().then(
    () => {},
    (error: unknown) => logger.debug({ err: error }, "could not open the server's stream"),
  );
  await Promise.race([opened, late]);
  stopWaiting();
}
