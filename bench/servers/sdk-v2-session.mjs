// Official SDK v2 wired by hand for 2025 sessions: one transport and one server per session.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import { createSdkV2Server } from "../lib/sdk-v2-factory.mjs";
import { port } from "../lib/settings.mjs";

const transports = new Map();

async function openTransport() {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (sessionId) => transports.set(sessionId, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  await createSdkV2Server().connect(transport);
  return transport;
}

createServer(async (req, res) => {
  const sessionId = req.headers["mcp-session-id"];
  const transport = sessionId ? transports.get(sessionId) : await openTransport();
  if (!transport) {
    res.writeHead(404).end();
    return;
  }
  await transport.handleRequest(req, res);
}).listen(port, "127.0.0.1");
