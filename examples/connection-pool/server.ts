import { setTimeout as sleep } from "node:timers/promises";
import { MCPServer } from "@backplane/server";
import { z } from "zod";

const server = new MCPServer({ name: "batch", version: "1.0.0" });

let running = 0;

server.tool(
  "process_item",
  {
    description: "Processes one item",
    input: z.object({ item: z.number() }),
    output: z.object({ item: z.number(), running: z.number() }),
    annotations: { idempotentHint: true },
  },
  async ({ item }) => {
    running++;
    const now = running;
    await sleep(5);
    running--;
    return { item, running: now };
  },
);

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
