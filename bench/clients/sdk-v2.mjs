// Official SDK v2, which finds the modern revision by itself.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { clientInfo, serveOrders, url } from "../lib/client-worker.mjs";

const client = new Client(clientInfo, { versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));

serveOrders(async (message) => {
  const result = await client.callTool({ name: "echo", arguments: { message } });
  return result.content[0].text;
});
