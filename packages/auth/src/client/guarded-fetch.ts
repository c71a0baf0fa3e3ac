import { OAuthClientError, type OAuthStage, shownUrl } from "./errors.ts";
import type { UrlGuard } from "./url-guard.ts";

/** A request of a flow, as the SDK's functions make it. */
export type FlowFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** What sends a request and gives the answer as it comes, redirects not followed. */
export type FlowTransport = (url: URL, request: TransportRequest) => Promise<TransportResponse>;

export interface TransportRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | undefined;
}

export interface GuardedFetchOptions {
  readonly guard: UrlGuard;
  readonly transport: FlowTransport;
  readonly stage: OAuthStage;
  /** For the whole request, its body included. */
  readonly timeoutMs: number;
}

/** Metadata, tokens and registrations are a few kilobytes; the peer chooses the length. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Statuses whose response has no body (Fetch, 2.2.3). */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/**
 * The `fetch` that flows run on: it goes only where the guard allows, follows no redirect, and bounds time
 * and size. A caller that follows a redirect itself comes through here again.
 */
export function createGuardedFetch(options: GuardedFetchOptions): FlowFetch {
  const { guard, transport, stage, timeoutMs } = options;
  return async (input, init = {}) => {
    const url = guard.assertUrl(input, stage);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([timeout, init.signal]) : timeout;
    try {
      const response = await transport(url, {
        method: init.method ?? "GET",
        headers: Object.fromEntries(new Headers(init.headers)),
        body: init.body == null ? undefined : String(init.body),
        signal,
      });
      const bytes = await readBounded(response.body, url, stage);
      return new Response(NULL_BODY.has(response.status) ? null : bytes, {
        status: response.status,
        headers: response.headers,
      });
    } catch (cause) {
      throw failure(cause, { url, stage, timedOut: timeout.aborted, timeoutMs });
    }
  };
}

async function readBounded(
  body: AsyncIterable<Uint8Array> | undefined,
  url: URL,
  stage: OAuthStage,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES) {
      throw new OAuthClientError(
        "invalid_response",
        stage,
        `OAuth ${stage}: the answer of ${shownUrl(url)} is larger than ${MAX_RESPONSE_BYTES} bytes`,
      );
    }
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function failure(
  cause: unknown,
  {
    url,
    stage,
    timedOut,
    timeoutMs,
  }: {
    readonly url: URL;
    readonly stage: OAuthStage;
    readonly timedOut: boolean;
    readonly timeoutMs: number;
  },
): OAuthClientError {
  if (OAuthClientError.isInstance(cause)) return cause;
  const unsafe = unsafeAddress(cause);
  if (unsafe !== undefined) {
    return new OAuthClientError(
      "unsafe_url",
      stage,
      `OAuth ${stage}: refused to connect to ${shownUrl(url)}: ${unsafe.message}`,
      { cause: unsafe },
    );
  }
  const reason = timedOut ? `did not answer within ${timeoutMs} ms` : "cannot be reached";
  return new OAuthClientError(
    "unavailable",
    stage,
    `OAuth ${stage}: ${shownUrl(url)} ${reason}`,
    // The cause of a fetch is about the connection: it has neither headers nor body.
    { cause },
  );
}

/** The refusal of the lookup, however deep the HTTP client wrapped it. */
function unsafeAddress(error: unknown): Error | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    if ((at as { code?: unknown }).code === "UNSAFE_URL") return at;
    at = at.cause;
  }
  return undefined;
}
