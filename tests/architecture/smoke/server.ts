import { MCPServer } from "@backplane/server";

const server = new MCPServer({ name: "packed", version: "1.0.0" });
server.tool(
  "add",
  {
    description: "Adds two numbers",
    input: {
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a", "b"],
    },
  },
  (input) => {
    const { a, b } = input as { a: number; b: number };
    return { sum: a + b };
  },
);
const params = {
  name: "add",
  arguments: { a: 20, b: 22 },
  _meta: {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "smoke", version: "1.0.0" },
    "io.modelcontextprotocol/clientCapabilities": {},
  },
};
const { url } = await server.start({ port: 0 });
const response = await fetch(url ?? "", {
  method: "POST",
  headers: {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "add",
  },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
});
const { result } = (await response.json()) as { result: { structuredContent: unknown } };
await server.stop();
if (JSON.stringify(result.structuredContent) !== '{"sum":42}') throw new Error("a wrong sum");
