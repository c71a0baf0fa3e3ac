import type { HttpTransportOptions, ReconnectOptions } from "./http/http-options.ts";
import type { ResolvedBehaviour } from "./resolve-options.ts";

/** Below the five seconds after which a Node server closes an idle socket; most say so themselves. */
const KEEP_ALIVE_MS = 4_000;
const END_SESSION_MS = 2_000;

/** How a GET stream, or a broken answer stream, of a legacy server is opened again. */
const RECONNECT: ReconnectOptions = {
  maxAttempts: 10,
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  budgetMs: 300_000,
};

/** What of a client's options its HTTP transport works by. */
export type HttpBehaviour = Pick<
  ResolvedBehaviour,
  "headers" | "auth" | "connectTimeoutMs" | "resubscribe" | "limits" | "logger" | "clock"
>;

/**
 * The settings of an HTTP transport, complete.
 * @param maxSockets sockets that it may hold open at once.
 */
export function httpTransportOptions(
  url: URL,
  { headers, auth, connectTimeoutMs, resubscribe, limits, logger, clock }: HttpBehaviour,
  maxSockets: number,
): HttpTransportOptions {
  return {
    url,
    headers,
    auth,
    dispatcher: undefined,
    maxSockets,
    connectTimeoutMs,
    keepAliveTimeoutMs: KEEP_ALIVE_MS,
    endSessionTimeoutMs: END_SESSION_MS,
    limits: {
      maxResponseBytes: limits.maxResponseBytes,
      maxJsonDepth: limits.maxJsonDepth,
      maxStreamEvents: limits.maxStreamEvents,
    },
    reconnect: reconnectWithin(resubscribe),
    logger,
    clock,
    random: Math.random,
  };
}

/** Not beyond what subscriptions may take, for whose stream a legacy server has a GET. */
function reconnectWithin(bounds: ReconnectOptions): ReconnectOptions {
  const { maxAttempts, initialDelayMs, maxDelayMs, budgetMs } = RECONNECT;
  return {
    maxAttempts: Math.min(maxAttempts, bounds.maxAttempts),
    initialDelayMs: Math.min(initialDelayMs, bounds.initialDelayMs),
    maxDelayMs: Math.min(maxDelayMs, bounds.maxDelayMs),
    budgetMs: Math.min(budgetMs, bounds.budgetMs),
  };
}
