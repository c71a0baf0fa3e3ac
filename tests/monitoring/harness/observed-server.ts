import { APIKeyAuth, type PolicyOptions, policy } from "@backplane/auth";
import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { MCPServer, type MCPServerOptions, ToolExecutionError } from "@backplane/server";
import { onTestFinished } from "vitest";
import { z } from "zod";

export const KEYS = { ada: "key-of-ada", bob: "key-of-bob" } as const;

/** The two eras, as a client's option has them. */
export const PROTOCOLS = ["2026-07-28", "2025-11-25"] as const;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A server with a tool of every kind of end, until the test ends. */
export async function observedServer(
  options: Partial<MCPServerOptions> = {},
): Promise<{ readonly server: MCPServer; readonly url: string }> {
  const server = new MCPServer({ name: "observed", version: "1.0.0", logger: quiet, ...options });
  server.tool("echo", { input: z.object({ text: z.string() }) }, ({ text }) => text);
  server.tool("refuses", {}, () => {
    throw new ToolExecutionError(-1, "not today");
  });
  server.tool("fails", {}, () => {
    throw new Error("broken");
  });
  server.tool("secret", { roles: ["admin"] }, () => "secret");
  server.prompt("greeting", {}, () => "Hello");
  server.resource("notes://{id}", { name: "note" }, ({ variables }) => String(variables["id"]));
  const { url } = await server.start({ port: 0 });
  onTestFinished(() => server.stop());
  return { server, url: url as string };
}

/** Two principals, of whom one is an admin. */
export function guarded(options: PolicyOptions = {}): Partial<MCPServerOptions> {
  return {
    auth: new APIKeyAuth({ apiKeys: { ada: { key: KEYS.ada, roles: ["admin"] }, bob: KEYS.bob } }),
    policy: policy(options),
  };
}

/** A client until the test ends. */
export function observingClient(options: MCPClientOptions): MCPClient {
  const client = new MCPClient({ logger: quiet, ...options });
  onTestFinished(() => client.close());
  return client;
}
