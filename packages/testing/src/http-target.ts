import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerUnderTest } from "./test-server.ts";

/** A real HTTP endpoint on this machine in front of a server. */
export interface HttpTarget {
  readonly url: string;
  close(): Promise<void>;
}

/** Mounts the server at a free port, beside whatever else it serves. */
export async function mount(server: ServerUnderTest): Promise<HttpTarget> {
  // Longer than a test client keeps a socket: a socket that ends first would reset a call.
  const http = createServer({ keepAliveTimeout: 65_000 }, server.nodeHandler);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
}
