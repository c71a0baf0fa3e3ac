// Backplane with one tool that brings plain JSON Schema, for the start-up time without zod.
import { MCPServer } from "../../packages/server/dist/index.js";
import { port, serverInfo } from "../lib/settings.mjs";

const input = {
  type: "object",
  properties: { message: { type: "string", minLength: 1 } },
  required: ["message"],
};

const server = new MCPServer(serverInfo);
server.tool("echo", { description: "Answers with the message", input }, async ({ message }) => ({
  content: [{ type: "text", text: message }],
}));
await server.start({ port });
