// The yardstick for streamed answers: node:http that writes ten progress events and the result.
import { createServer } from "node:http";
import { port, progressSteps } from "../lib/settings.mjs";

const event = (message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

createServer((req, res) => {
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    const { id, params } = JSON.parse(Buffer.concat(chunks));
    const { progressToken } = params._meta;
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    for (let progress = 1; progress <= progressSteps; progress += 1) {
      const values = { progressToken, progress, total: progressSteps };
      const method = "notifications/progress";
      res.write(event({ jsonrpc: "2.0", method, params: values }));
    }
    const content = [{ type: "text", text: params.arguments.message }];
    res.end(event({ jsonrpc: "2.0", id, result: { resultType: "complete", content } }));
  });
}).listen(port, "127.0.0.1");
