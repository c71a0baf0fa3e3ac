import { setTimeout as sleep } from "node:timers/promises";
import { MCPClient, MCPClientError, MCPError } from "@backplane/client";

const SERVICE_UNAVAILABLE = -2001;

/** Calls the tool, and once more when its service is away for a moment. */
export async function priceOf(client: MCPClient, amount: number): Promise<unknown> {
  try {
    return await client.call("get_price", { amount });
  } catch (error) {
    // What the server or the tool reports; `ToolExecutionError` is one of them.
    if (MCPError.isInstance(error) && error.code === SERVICE_UNAVAILABLE) {
      await sleep(error.retryAfterMs);
      return await client.call("get_price", { amount });
    }
    throw error;
  }
}

/** Says in a line what went wrong, and whether to try again. */
export function explain(error: unknown): string {
  if (MCPError.isInstance(error)) {
    return `the server: ${error.code} ${error.message} ${JSON.stringify(error.data ?? null)}`;
  }
  // Everything that the server did not report: the network, a limit, an answer that is none.
  if (MCPClientError.isInstance(error)) return `the client: ${error.code}, retry ${error.retry}`;
  throw error;
}

export function connect(url: string): MCPClient {
  return new MCPClient({ url, maxRetries: 1, retry: { initialDelayMs: 10 } });
}
