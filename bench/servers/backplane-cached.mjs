// The tool of `backplane.mjs`, answered from a cache in memory by the interceptor.
import { caching, MCPCache } from "../../packages/cache/dist/index.js";
import { MCPServer } from "../../packages/server/dist/index.js";
import { port, serverInfo } from "../lib/settings.mjs";
import { tools } from "../lib/workload.mjs";

const server = new MCPServer(serverInfo);
for (const { name, description, schema } of tools) {
  const cached = { annotations: { readOnlyHint: true }, cacheHint: { ttlMs: 3_600_000 } };
  server.tool(name, { description, input: schema, ...cached }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
}
server.use(caching(new MCPCache()));
await server.start({ port });
