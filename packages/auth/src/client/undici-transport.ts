import { createSafeLookup } from "@backplane/protocol/node";
import { Agent, request } from "undici";
import type { FlowTransport } from "./guarded-fetch.ts";
import type { UrlGuard } from "./url-guard.ts";

/** A connection for each request: flows are rare, and nothing is left open between them. */
export function undiciTransport(guard: UrlGuard): FlowTransport {
  return async (url, { method, headers, body, signal }) => {
    const lookup = createSafeLookup(guard.addressPolicy(url.hostname));
    const dispatcher = new Agent({ connect: { lookup }, connections: 1 });
    const response = await request(url, {
      method,
      headers,
      signal,
      dispatcher,
      reset: true,
      ...(body !== undefined && { body }),
    });
    return {
      status: response.statusCode,
      headers: headersOf(response.headers),
      body: response.body,
    };
  };
}

function headersOf(received: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  return headers;
}
