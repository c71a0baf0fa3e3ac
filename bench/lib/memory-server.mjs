// The server that is tested in memory: the tool of the other scenarios, in this process.
import { MCPServer } from "../../packages/server/dist/index.js";

export function echoServer() {
  const server = new MCPServer({ name: "bench", version: "1.0.0" });
  const input = {
    type: "object",
    properties: { message: { type: "string" } },
    required: ["message"],
  };
  server.tool("echo", { input }, ({ message }) => message);
  return server;
}
