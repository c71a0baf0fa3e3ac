import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { afterEach } from "vitest";
import { ScriptedServer, type ScriptedServerOptions } from "./scripted-server.ts";

export const eras = ["modern", "legacy"] as const;
export type WireEra = (typeof eras)[number];

/** The revision that insists on an era. */
export const revisionOf = { modern: "2026-07-28", legacy: "2025-11-25" } as const;

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  // Clients before the servers that they talk to.
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Closed after the test. */
export function closing<Closable extends { close(): Promise<void> }>(closable: Closable): Closable {
  open.push(closable);
  return closable;
}

export async function scripted(options: ScriptedServerOptions): Promise<ScriptedServer> {
  return closing(await ScriptedServer.start(options));
}

/** A client that insists on the era of its server. */
export function clientOf(
  server: ScriptedServer,
  options: Partial<MCPClientOptions> = {},
): MCPClient {
  return closing(
    new MCPClient({ url: server.url, protocol: revisionOf[server.era], maxRetries: 0, ...options }),
  );
}
