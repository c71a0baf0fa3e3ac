// Backplane's connection pool; callers beyond its connections wait for one.
import { MCPConnectionPool } from "../../packages/client/dist/index.js";
import { clientInfo, maxConnections, serveOrders, url } from "../lib/client-worker.mjs";

const pool = new MCPConnectionPool({ url, info: clientInfo, maxConnections });
await pool.connect();

serveOrders(async (message) => {
  const result = await pool.callTool("echo", { message });
  return result.content[0].text;
});
