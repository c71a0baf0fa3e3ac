// Backplane's client with its defaults.
import { MCPClient } from "../../packages/client/dist/index.js";
import { clientInfo, serveOrders, url } from "../lib/client-worker.mjs";

const client = new MCPClient({ url, info: clientInfo });
await client.connect();

serveOrders(async (message) => {
  const result = await client.callTool("echo", { message });
  return result.content[0].text;
});
