// The target of the clients: node:http with answers that are made once. Of a request only its method
// and id are read, so that the client, not this process, is the limit.
import { createServer } from "node:http";
import { fixedText } from "../lib/fixed-answer.mjs";
import { LEGACY, MODERN } from "../lib/revisions.mjs";

const port = Number(process.env.PORT ?? 3000);
const serverInfo = { name: "bench", version: "1.0.0" };
const capabilities = { tools: {} };
const meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
const cached = { resultType: "complete", ttlMs: 3_600_000, cacheScope: "public", _meta: meta };
const properties = { message: { type: "string", minLength: 1 } };
const inputSchema = { type: "object", properties, required: ["message"] };
const echo = { name: "echo", description: "Answers with a fixed text", inputSchema };

const results = {
  "tools/call": {
    resultType: "complete",
    content: [{ type: "text", text: fixedText }],
    _meta: meta,
  },
  "server/discover": { ...cached, supportedVersions: [MODERN], capabilities },
  "tools/list": { ...cached, tools: [echo] },
  initialize: { protocolVersion: LEGACY, capabilities, serverInfo },
};
const answers = Object.entries(results).map(([method, result]) => ({
  mark: `"method":"${method}"`,
  rest: `,"result":${JSON.stringify(result)}}`,
}));
const idPattern = /"id":("[^"]*"|\d+)/;

createServer((req, res) => {
  let body = "";
  req.setEncoding("latin1");
  req.on("data", (chunk) => {
    body += chunk;
  });
  req.on("end", () => {
    const answer = answers.find(({ mark }) => body.includes(mark));
    if (answer === undefined) {
      // Notifications are accepted; the GET stream and DELETE of a session are not offered.
      res.writeHead(req.method === "POST" ? 202 : 405, { "Content-Length": 0 }).end();
      return;
    }
    const text = `{"jsonrpc":"2.0","id":${idPattern.exec(body)[1]}${answer.rest}`;
    res.writeHead(200, { "Content-Type": "application/json", "Content-Length": text.length });
    res.end(text);
  });
}).listen(port, "127.0.0.1");
