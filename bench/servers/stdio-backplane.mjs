// Backplane over stdio, every default on.
import { MCPServer } from "../../packages/server/dist/index.js";
import { serverInfo } from "../lib/settings.mjs";
import { tools } from "../lib/workload.mjs";

const server = new MCPServer(serverInfo);
for (const { name, description, schema } of tools) {
  server.tool(name, { description, input: schema }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
}
await server.start({ transport: "stdio" });
