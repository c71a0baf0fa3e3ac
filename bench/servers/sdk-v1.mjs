// Official SDK v1, Streamable HTTP on node:http. MODE=stateless: a server and a transport per
// request; MODE=session: a server and a transport per session. Both as its examples do it.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { mode, port, progressSteps, serverInfo } from "../lib/settings.mjs";
import { passOn, tools } from "../lib/workload.mjs";

const text = (message) => ({ content: [{ type: "text", text: message }] });

const handlers = {
  echo: async ({ message }) => text(message),
  relay: async ({ message }, extra) => text(await passOn(message, extra.signal)),
  count: async ({ message }, extra) => {
    const { progressToken } = extra._meta;
    for (let progress = 1; progress <= progressSteps; progress += 1) {
      const params = { progressToken, progress, total: progressSteps };
      await extra.sendNotification({ method: "notifications/progress", params });
    }
    return text(message);
  },
};

function createSdkV1Server() {
  const server = new McpServer(serverInfo);
  for (const { name, description, schema, kind } of tools) {
    server.registerTool(name, { description, inputSchema: schema }, handlers[kind]);
  }
  return server;
}

async function serveStateless(req, res) {
  const server = createSdkV1Server();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  res.on("close", () => {
    transport.close();
    server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(req, res);
}

const transports = new Map();

async function openTransport() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (sessionId) => transports.set(sessionId, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  await createSdkV1Server().connect(transport);
  return transport;
}

async function serveSession(req, res) {
  const sessionId = req.headers["mcp-session-id"];
  const transport = sessionId ? transports.get(sessionId) : await openTransport();
  if (!transport) {
    res.writeHead(404).end();
    return;
  }
  await transport.handleRequest(req, res);
}

createServer(mode === "session" ? serveSession : serveStateless).listen(port, "127.0.0.1");
