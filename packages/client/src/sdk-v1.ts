import { resolveSdkOptions, type SdkTransportOptions } from "./internal/sdk-options.ts";
import type { SdkSendOptions, SdkTransport } from "./internal/sdk-shapes.ts";
import { SdkHttpTransport } from "./internal/sdk-transport.ts";

export type { SdkSendOptions, SdkTransport, SdkTransportOptions };

/**
 * Backplane's HTTP transport for a `Client` of the official SDK v1 (`@modelcontextprotocol/sdk`): sockets are pooled
 * and bounded, answers are limited, credentials come from the same source as `MCPClient`'s, and redirects are not
 * followed. The client keeps its handshake, timeouts and handlers.
 *
 * - A broken stream is resumed where the server allows it. Resumption tokens are not handed out: `send` refuses them.
 * - `close` ends the session.
 * - HTTP statuses fail as the SDK's `StreamableHTTPError`, refused credentials as its `UnauthorizedError`, anything
 *   else as `MCPClientError`, which is also the `cause` of the first two.
 * @throws {TypeError} that names the option and what it takes.
 */
export function createSdkTransport(options: SdkTransportOptions): SdkTransport {
  return new SdkHttpTransport(resolveSdkOptions(options), async (cause) => {
    const { code, status, message } = cause;
    if (code === "unauthorized") {
      const { UnauthorizedError } = await import("@modelcontextprotocol/sdk/client/auth.js");
      return Object.assign(new UnauthorizedError(message), { cause });
    }
    if (status === undefined) return cause;
    const { StreamableHTTPError } = await import(
      "@modelcontextprotocol/sdk/client/streamableHttp.js"
    );
    return Object.assign(new StreamableHTTPError(status, message), { cause });
  });
}
