import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands for the proxy with the certificate: it has the public URL, and says whom it serves. */
export interface Proxy {
  readonly url: string;
  /** Where requests go from now on. */
  target: string;
  close(): void;
}

export async function startProxy(): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => {
    const { host } = new URL(proxy.url);
    const headers = {
      ...incoming.headers,
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-host": host,
      "x-forwarded-proto": "http",
    };
    const target = new URL(incoming.url ?? "/", proxy.target);
    const upstream = request(target, { method: incoming.method ?? "GET", headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    target: "",
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
