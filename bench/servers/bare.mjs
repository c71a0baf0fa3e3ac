// The yardstick: node:http that parses a JSON-RPC message and stringifies the answer. Nothing else.
import { createServer } from "node:http";

const port = Number(process.env.PORT ?? 3000);
const many = Number(process.env.TOOLS ?? 1) > 1;
const tools = many ? (await import("../lib/tool-list.mjs")).toolList : [];
const meta = { "io.modelcontextprotocol/serverInfo": { name: "bench", version: "1.0.0" } };

function resultOf({ method, params }) {
  if (method === "tools/list") {
    return { resultType: "complete", tools, ttlMs: 0, cacheScope: "public", _meta: meta };
  }
  const content = [{ type: "text", text: params.arguments.message }];
  return { resultType: "complete", content, _meta: meta };
}

createServer((req, res) => {
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    const message = JSON.parse(Buffer.concat(chunks));
    const answer = { jsonrpc: "2.0", id: message.id, result: resultOf(message) };
    const body = JSON.stringify(answer);
    const length = Buffer.byteLength(body);
    res.writeHead(200, { "Content-Type": "application/json", "Content-Length": length });
    res.end(body);
  });
}).listen(port, "127.0.0.1");
