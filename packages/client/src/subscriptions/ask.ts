import type { JsonObject } from "@backplane/protocol";
import type { Link } from "../link.ts";

/**
 * Sends one request over a given link, past retries: who asks so has plans of its own for a failure.
 * @throws {MCPError} {@link MCPClientError} what the link makes of it.
 */
export function ask(
  link: Link,
  method: string,
  params: JsonObject,
  timeoutMs: number,
): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    link.send(
      {
        method,
        params,
        meta: undefined,
        wantsProgress: false,
        logLevel: undefined,
        headers: [],
        idleMs: timeoutMs,
        totalMs: timeoutMs,
      },
      { onResult: resolve, onError: reject, onNotification: () => {} },
    );
  });
}
