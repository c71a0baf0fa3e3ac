import { OAuthClientError, shownUrl } from "./errors.ts";
import type { FlowTransport } from "./guarded-fetch.ts";
import type { UrlGuard } from "./url-guard.ts";

/**
 * What flows send their requests with: the caller's own `fetch`; on Node undici, with a lookup that checks
 * the very address that is connected to; elsewhere the platform's `fetch`, which cannot be told.
 */
export function transportFor(
  guard: UrlGuard,
  fetch: typeof globalThis.fetch | undefined,
): FlowTransport {
  if (fetch !== undefined) return fetchTransport(fetch);
  const isNode = globalThis.process?.versions?.node !== undefined;
  if (!isNode) return fetchTransport(globalThis.fetch);
  return async (url, request) => {
    const { undiciTransport } = await import("./undici-transport.ts");
    return undiciTransport(guard)(url, request);
  };
}

function fetchTransport(fetch: typeof globalThis.fetch): FlowTransport {
  return async (url, { method, headers, body, signal }) => {
    const response = await fetch(url, {
      method,
      headers,
      signal,
      redirect: "manual",
      ...(body !== undefined && { body }),
    });
    // Browsers hide where a redirect leads; it is not followed in any case.
    if (response.status === 0) {
      throw new OAuthClientError(
        "invalid_response",
        "discovery",
        `OAuth: ${shownUrl(url)} answers with a redirect`,
      );
    }
    return {
      status: response.status,
      headers: response.headers,
      body: (response.body ?? undefined) as AsyncIterable<Uint8Array> | undefined,
    };
  };
}
