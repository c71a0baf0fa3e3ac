// The yardstick: undici's own pool, one JSON.stringify, one JSON.parse. Nothing is checked.
import { Pool } from "undici";
import { clientInfo, serveOrders, url } from "../lib/client-worker.mjs";
import { MODERN } from "../lib/revisions.mjs";

const { origin, pathname: path } = new URL(url);
const pool = new Pool(origin);
const prefix = "io.modelcontextprotocol";
const meta = {
  [`${prefix}/protocolVersion`]: MODERN,
  [`${prefix}/clientInfo`]: clientInfo,
  [`${prefix}/clientCapabilities`]: {},
};
const headers = {
  accept: "application/json, text/event-stream",
  "content-type": "application/json",
  "mcp-protocol-version": MODERN,
  "mcp-method": "tools/call",
  "mcp-name": "echo",
};
let id = 0;

serveOrders(async (message) => {
  id += 1;
  const params = { _meta: meta, name: "echo", arguments: { message } };
  const body = JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params });
  const response = await pool.request({ path, method: "POST", headers, body });
  const answer = await response.body.json();
  return answer.result.content[0].text;
});
