// Official SDK v1, as its documentation wires a client for Streamable HTTP.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { clientInfo, serveOrders, url } from "../lib/client-worker.mjs";

const client = new Client(clientInfo);
await client.connect(new StreamableHTTPClientTransport(new URL(url)));

serveOrders(async (message) => {
  const result = await client.callTool({ name: "echo", arguments: { message } });
  return result.content[0].text;
});
