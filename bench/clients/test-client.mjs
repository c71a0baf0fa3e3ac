// The test client with its defaults: in memory, with all traffic recorded.
import { MCPTestClient } from "../../packages/testing/dist/index.js";
import { serveOrders } from "../lib/client-worker.mjs";
import { echoServer } from "../lib/memory-server.mjs";

const client = new MCPTestClient(echoServer());
await client.connect();

serveOrders(async (message) => {
  const result = await client.callTool("echo", { arguments: { message } });
  return result.content[0].text;
});
