import { OAuthResourceServer, type OAuthResourceServerOptions, policy } from "@backplane/auth";
import type { Logger } from "@backplane/protocol";
import { MCPServer, type MCPServerOptions } from "@backplane/server";

/** A server that takes the tokens of one authorization server for its own URL. */
export interface RunningResourceServer {
  readonly server: MCPServer;
  readonly url: string;
  readonly origin: string;
}

/** The port is part of what tokens are issued for, so it is chosen before the server is made. */
export async function startResourceServer(
  issuer: string,
  logger: Logger,
  options: Partial<OAuthResourceServerOptions> = {},
  serverOptions: Partial<MCPServerOptions> = {},
  attempts = 5,
): Promise<RunningResourceServer> {
  const probe = new MCPServer({ name: "probe", version: "1.0.0", logger });
  const { port = 0 } = await probe.start({ port: 0 });
  await probe.stop();
  const url = `http://127.0.0.1:${port}/mcp`;
  const server = makeServer(url, issuer, options, { logger, ...serverOptions });
  try {
    await server.start({ port });
  } catch (error) {
    // Somebody else was quicker.
    if (attempts === 0) throw error;
    return startResourceServer(issuer, logger, options, serverOptions, attempts - 1);
  }
  return { server, url, origin: new URL(url).origin };
}

function makeServer(
  publicUrl: string,
  issuer: string,
  options: Partial<OAuthResourceServerOptions>,
  serverOptions: Partial<MCPServerOptions>,
): MCPServer {
  const server = new MCPServer({
    name: "resource",
    version: "1.0.0",
    ...serverOptions,
    auth: new OAuthResourceServer({
      publicUrl,
      authorizationServers: [{ issuer, algorithms: ["RS256"] }],
      ...options,
    }),
    policy: policy({ scopeHierarchy: { write: ["read"] } }),
  });
  server.tool("whoami", {}, (_args, context) => JSON.stringify(context.principal));
  server.tool("read", { scopes: ["read"] }, () => "read");
  server.tool("both", { scopes: ["write", "read"] }, () => "both");
  server.tool("offline", { scopes: ["offline_access", "write"] }, () => "never");
  return server;
}
