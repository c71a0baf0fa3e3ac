// tmcp, both eras. Of the two adapters to node:http that its HTTP transport documents, srvx is the
// faster one.
import { ZodJsonSchemaAdapter } from "@tmcp/adapter-zod";
import { HttpTransport } from "@tmcp/transport-http";
import { serve } from "srvx";
import { McpServer } from "tmcp";
import { tool as reply } from "tmcp/utils";
import { port, progressSteps, serverInfo } from "../lib/settings.mjs";
import { passOn, tools } from "../lib/workload.mjs";

const server = new McpServer(serverInfo, {
  adapter: new ZodJsonSchemaAdapter(),
  capabilities: { tools: { listChanged: true } },
});

const handlers = {
  echo: async ({ message }) => reply.text(message),
  relay: async ({ message }) => reply.text(await passOn(message, server.ctx.signal)),
  count: async ({ message }) => {
    for (let progress = 1; progress <= progressSteps; progress += 1) {
      server.progress(progress, progressSteps);
    }
    return reply.text(message);
  },
};

for (const { name, description, schema, kind } of tools) {
  server.tool({ name, description, schema }, handlers[kind]);
}

const transport = new HttpTransport(server, { path: "/mcp" });
serve({
  hostname: "127.0.0.1",
  port,
  fetch: async (request) => {
    const response = await transport.respond(request);
    return response ?? new Response(null, { status: 404 });
  },
});
