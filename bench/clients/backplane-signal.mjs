// Backplane's client, every call with the same long-lived signal: what leaks per call shows on it.
import { MCPClient } from "../../packages/client/dist/index.js";
import { clientInfo, serveOrders, url } from "../lib/client-worker.mjs";

const client = new MCPClient({ url, info: clientInfo });
await client.connect();
const { signal } = new AbortController();

serveOrders(async (message) => {
  const result = await client.callTool("echo", { message }, { signal });
  return result.content[0].text;
});
