// Stands for an OpenTelemetry collector: takes what is sent and says that it has it.
import { createServer } from "node:http";
import { port } from "../lib/settings.mjs";

createServer((req, res) => {
  req.resume();
  req.on("end", () => {
    res.writeHead(200, { "Content-Type": "application/json" });
    res.end("{}");
  });
}).listen(port, "127.0.0.1");
