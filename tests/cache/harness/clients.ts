import { MCPClient, type MCPClientOptions } from "@backplane/client";
import type { Revision } from "@backplane/protocol";
import { onTestFinished } from "vitest";

/** One revision of each era. */
export const revisions: readonly Revision[] = ["2026-07-28", "2025-11-25"];

/** A client that keeps nothing itself, closed with its test. */
export async function clientOf(
  url: string,
  protocol: Revision,
  options: Partial<MCPClientOptions> = {},
): Promise<MCPClient> {
  const client = new MCPClient({ url, protocol, maxRetries: 0, ...options });
  onTestFinished(() => client.close());
  await client.connect();
  return client;
}
