// The yardstick of the start: undici, one request.
import { request } from "undici";
import { url } from "../lib/client-worker.mjs";
import { MODERN } from "../lib/revisions.mjs";

const headers = { "content-type": "application/json", "mcp-protocol-version": MODERN };
const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "server/discover", params: {} });
const response = await request(url, { method: "POST", headers, body });
await response.body.dump();
