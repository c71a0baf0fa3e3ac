import { LEGACY_REVISIONS, MODERN_REVISIONS } from "@backplane/protocol";
import { type HostedSdkServer, host } from "./internal/sdk-host.ts";
import type { HostSdkServerOptions } from "./internal/sdk-host-options.ts";
import { type ServeOverSdkTransportOptions, serveOver } from "./internal/sdk-serve.ts";
import type { SdkAuthInfo, SdkServer, SdkV2Transport } from "./internal/sdk-shapes.ts";
import type { MCPServer } from "./mcp-server.ts";
import type { ServerConnection } from "./start-options.ts";

export type {
  HostedSdkServer,
  HostSdkServerOptions,
  SdkAuthInfo,
  SdkServer,
  SdkV2Transport as SdkTransport,
  ServeOverSdkTransportOptions,
};

/**
 * Serves a Backplane server over a transport of the official SDK v2 (`@modelcontextprotocol/server`): stdio,
 * Streamable HTTP, in memory, or one of your own. The transport must not be started yet.
 *
 * It keeps one `AsyncLocalStorage`, which on Node before 24 makes every promise of the process a little
 * slower.
 * @throws {TypeError} for an unknown option or something that is no transport; whatever its `start` throws.
 */
export function serveOverSdkTransport(
  server: MCPServer,
  transport: SdkV2Transport,
  options: ServeOverSdkTransportOptions = {},
): Promise<ServerConnection> {
  // Which of them this server speaks, its connection says; the transport must let them through to it.
  transport?.setSupportedProtocolVersions?.([...MODERN_REVISIONS, ...LEGACY_REVISIONS]);
  return serveOver(server, transport, options);
}

/**
 * Hosts a server written for the official SDK v2, an `McpServer` or `Server`, or a function that makes one (the
 * factory that `createMcpHandler` takes will do, if it needs no request): its tools, prompts, resources,
 * templates and completions become Backplane's, in both eras, behind Backplane's interceptors, limits,
 * auth and policy. It must not be connected to anything else.
 *
 * All that `@backplane/server/sdk-v1` says of its `hostSdkServer` holds here. The SDK server is spoken to
 * in 2025-11-25, whatever its clients speak; where a handler returns `inputRequired(…)`, the SDK itself
 * turns that into questions.
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
