// The SDK v2 server factory: schemas are built once, outside, as its documentation recommends.
import { McpServer } from "@modelcontextprotocol/server";
import { progressSteps, serverInfo } from "./settings.mjs";
import { passOn, tools } from "./workload.mjs";

const text = (message) => ({ content: [{ type: "text", text: message }] });

const handlers = {
  echo: async ({ message }) => text(message),
  relay: async ({ message }, ctx) => text(await passOn(message, ctx.mcpReq.signal)),
  count: async ({ message }, ctx) => {
    const { progressToken } = ctx.mcpReq._meta;
    for (let progress = 1; progress <= progressSteps; progress += 1) {
      const params = { progressToken, progress, total: progressSteps };
      await ctx.mcpReq.notify({ method: "notifications/progress", params });
    }
    return text(message);
  },
};

export function createSdkV2Server() {
  const server = new McpServer(serverInfo);
  for (const { name, description, schema, kind } of tools) {
    server.registerTool(name, { description, inputSchema: schema }, handlers[kind]);
  }
  return server;
}
