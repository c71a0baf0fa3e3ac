import { resolveSdkOptions, type SdkTransportOptions } from "./internal/sdk-options.ts";
import type { SdkSendOptions, SdkTransport } from "./internal/sdk-shapes.ts";
import { SdkHttpTransport } from "./internal/sdk-transport.ts";

export type { SdkSendOptions, SdkTransport, SdkTransportOptions };

/**
 * Backplane's HTTP transport for a `Client` of the official SDK v2 (`@modelcontextprotocol/client`), in every mode of
 * its version negotiation: sockets are pooled and bounded, answers are limited, credentials come from the same source
 * as `MCPClient`'s, and redirects are not followed. The client keeps its handshake, timeouts and handlers.
 *
 * - A broken stream of a legacy server is resumed where it allows it. Resumption tokens are not handed out: `send`
 *   refuses them.
 * - `close` ends the session.
 * - HTTP statuses fail as the SDK's `SdkHttpError`, refused credentials as its `UnauthorizedError`, anything else as
 *   `MCPClientError`, which is also the `cause` of the first two.
 * @throws {TypeError} that names the option and what it takes.
 */
export function createSdkTransport(options: SdkTransportOptions): SdkTransport {
  return new SdkHttpTransport(resolveSdkOptions(options), async (cause) => {
    const { code, status, message, details } = cause;
    if (status === undefined) return cause;
    const { SdkErrorCode, SdkHttpError, UnauthorizedError } = await import(
      "@modelcontextprotocol/client"
    );
    if (code === "unauthorized") return Object.assign(new UnauthorizedError(message), { cause });
    const { body } = details;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const data = { status, statusText: "", text };
    return new SdkHttpError(SdkErrorCode.ClientHttpNotImplemented, message, data, { cause });
  });
}
