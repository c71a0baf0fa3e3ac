import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { closing } from "./clients.ts";

/** A server that nobody may ever talk to. */
export interface Canary {
  readonly url: string;
  /** The paths that were asked for. */
  readonly visits: readonly string[];
}

export async function startCanary(): Promise<Canary> {
  const visits: string[] = [];
  const server = createServer((request, response) => {
    visits.push(request.url ?? "");
    response.end("{}");
  });
  // A connection without a request is a visit as well.
  server.on("connection", () => visits.push("connection"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing({
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits };
}
