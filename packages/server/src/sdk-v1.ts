import { type HostedSdkServer, host } from "./internal/sdk-host.ts";
import type { HostSdkServerOptions } from "./internal/sdk-host-options.ts";
import { type ServeOverSdkTransportOptions, serveOver } from "./internal/sdk-serve.ts";
import type { SdkAuthInfo, SdkServer, SdkTransport } from "./internal/sdk-shapes.ts";
import type { MCPServer } from "./mcp-server.ts";
import type { ServerConnection } from "./start-options.ts";

export type {
  HostedSdkServer,
  HostSdkServerOptions,
  SdkAuthInfo,
  SdkServer,
  SdkTransport,
  ServeOverSdkTransportOptions,
};

/**
 * Serves a Backplane server over a transport of the official SDK v1 (`@modelcontextprotocol/sdk`): stdio,
 * SSE, Streamable HTTP, in memory, or one of your own. The transport must not be started yet.
 *
 * It keeps one `AsyncLocalStorage`, which on Node before 24 makes every promise of the process a little
 * slower.
 * @throws {TypeError} for an unknown option or something that is no transport; whatever its `start` throws.
 */
export function serveOverSdkTransport(
  server: MCPServer,
  transport: SdkTransport,
  options: ServeOverSdkTransportOptions = {},
): Promise<ServerConnection> {
  return serveOver(server, transport, options);
}

/**
 * Hosts a server written for the official SDK v1, an `McpServer` or `Server`, or a function that makes one: its
 * tools, prompts, resources, templates and completions become Backplane's, in both eras, behind Backplane's
 * interceptors, limits, auth and policy. It must not be connected to anything else.
 *
 * - One connection in memory carries the calls of all clients. Its questions (`elicitInput`,
 *   `createMessage`, `listRoots`) and log messages go to the client whose call they are made in, and are
 *   refused outside a call, so principals never meet.
 * - In the modern era an unanswered question ends the call; on the client's retry its handler runs
 *   again from the top with the answer. So a handler must ask the same questions in the same order every
 *   time, and do nothing before the last one that must not be done twice. Its `signal` fires when it is given up.
 * - Its own timeout for a question holds in the legacy era: 60 seconds unless it gives another.
 * - Its lists are read at the start, without a caller, and again when it says that they changed. What it
 *   lists for one caller only, and resources that no list or template names, are not served.
 * - Its JSON-RPC errors keep code, message and data; −32042 becomes a question in the modern era.
 *   `notifications/elicitation/complete` and task-only tools are not carried.
 * - It keeps one `AsyncLocalStorage`, which on Node before 24 makes every promise of the process a
 *   little slower. If it offers subscriptions, an interceptor follows them.
 * @throws {TypeError} for an illegal option, a name that is taken, or a name that Backplane does not allow.
 * @throws {SchemaError} for a schema that Backplane refuses.
 */
export function hostSdkServer(
  server: MCPServer,
  sdkServer: SdkServer | (() => SdkServer | Promise<SdkServer>),
  options: HostSdkServerOptions = {},
): Promise<HostedSdkServer> {
  return host(server, sdkServer, options);
}
