// Reads one resource and prints how many bytes came: `node resource-client.mjs URL URI`.
import { request } from "node:http";

const [url, uri] = process.argv.slice(2);
const revision = "2026-07-28";
const prefix = "io.modelcontextprotocol/";
const _meta = { [`${prefix}protocolVersion`]: revision, [`${prefix}clientCapabilities`]: {} };
const body = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri, _meta } };
const headers = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": revision,
  "mcp-method": "resources/read",
  "mcp-name": uri,
};

let length = 0;
const outgoing = request(url, { method: "POST", headers }, (incoming) => {
  incoming.on("data", (chunk) => {
    length += chunk.length;
  });
  incoming.on("end", () => process.stdout.write(String(length)));
});
outgoing.end(JSON.stringify(body));
