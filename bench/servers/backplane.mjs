// Backplane as its README shows it: one server object, HTTP, every default on.
import { MCPServer } from "../../packages/server/dist/index.js";
import { port, progressSteps, serverInfo } from "../lib/settings.mjs";
import { passOn, tools } from "../lib/workload.mjs";

const text = (message) => ({ content: [{ type: "text", text: message }] });

const handlers = {
  echo: async ({ message }) => text(message),
  relay: async ({ message }, ctx) => text(await passOn(message, ctx.signal)),
  count: async ({ message }, ctx) => {
    for (let progress = 1; progress <= progressSteps; progress += 1) {
      await ctx.progress({ progress, total: progressSteps });
    }
    return text(message);
  },
};

const server = new MCPServer(serverInfo);
for (const { name, description, schema, kind } of tools) {
  server.tool(name, { description, input: schema }, handlers[kind]);
}
await server.start({ port });
