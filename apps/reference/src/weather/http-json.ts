import { Agent, errors, request } from "undici";
import { upstreamUnavailable } from "../errors.ts";

/** Limits of one upstream request. */
export interface HttpJsonOptions {
  /** Covers connecting, waiting and reading. */
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
}

export interface HttpJsonResponse {
  readonly statusCode: number;
  /** The parsed body; undefined when it is not JSON and the status is not 2xx. */
  readonly body: unknown;
  /** From `Retry-After`, when the response has a usable one. */
  readonly retryAfterMs: number | undefined;
}

export interface HttpJsonClient {
  /**
   * @throws {ToolExecutionError} −2001 when no complete answer arrives in time, it is too large, or a
   * successful answer is not JSON. @throws the signal's reason when the caller gave up.
   */
  get(url: URL, options?: { signal?: AbortSignal }): Promise<HttpJsonResponse>;
  close(): Promise<void>;
}

/** When the upstream does not say when to come back. */
export const DEFAULT_RETRY_AFTER_MS = 60_000;
const MAX_RETRY_AFTER_MS = 3_600_000;
const CONNECTIONS_PER_ORIGIN = 16;

/** Plain GETs that expect JSON, through one pool. Redirects are not followed. */
export function createHttpJsonClient(limits: HttpJsonOptions): HttpJsonClient {
  const dispatcher = new Agent({
    connections: CONNECTIONS_PER_ORIGIN,
    connect: { timeout: limits.timeoutMs },
    headersTimeout: limits.timeoutMs,
    bodyTimeout: limits.timeoutMs,
    maxResponseSize: limits.maxResponseBytes,
  });

  return {
    async get(url, { signal } = {}) {
      signal?.throwIfAborted();
      const timeout = AbortSignal.timeout(limits.timeoutMs);
      const combined = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      try {
        const response = await request(url, {
          dispatcher,
          signal: combined,
          headers: { accept: "application/json" },
        });
        const text = await response.body.text();
        return {
          statusCode: response.statusCode,
          body: parseBody(text, response.statusCode, url),
          retryAfterMs: parseRetryAfter(response.headers["retry-after"]),
        };
      } catch (error) {
        signal?.throwIfAborted();
        throw describeFailure(error, url, limits, timeout.aborted);
      }
    },
    close: () => dispatcher.close(),
  };
}

class NotJsonError extends Error {
  override readonly name = "NotJsonError";
}

function parseBody(text: string, statusCode: number, url: URL): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (statusCode >= 200 && statusCode < 300) {
      throw new NotJsonError(`${url.host} answered something that is not JSON`, { cause });
    }
    return undefined;
  }
}

/** The host only: a base URL may carry credentials in its user part, path or query. */
function describeFailure(
  error: unknown,
  url: URL,
  limits: HttpJsonOptions,
  timedOut: boolean,
): Error {
  const reason = (): string => {
    if (timedOut || error instanceof errors.HeadersTimeoutError) {
      return `did not answer within ${limits.timeoutMs} ms`;
    }
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      return `answered more than ${limits.maxResponseBytes} bytes`;
    }
    if (error instanceof NotJsonError) return "answered something that is not JSON";
    return "cannot be reached";
  };
  return upstreamUnavailable(
    `The weather service ${url.host} ${reason()}.`,
    DEFAULT_RETRY_AFTER_MS,
    error,
  );
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3), capped so that nobody is sent away for days. */
function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
