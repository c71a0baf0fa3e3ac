import { APIKeyAuth, policy, rateLimit } from "@backplane/auth";
import { MCPServer } from "@backplane/server";
import { z } from "zod";

// From the environment in real life: apiKeys: apiKeysFromEnvironment("MCP_API_KEYS").
const auth = new APIKeyAuth({
  apiKeys: {
    client1: "example-key-of-client-1",
    client2: { key: "example-key-of-client-2", roles: ["admin"] },
  },
  headerName: "X-API-Key",
});

const server = new MCPServer({ name: "api-server", version: "1.0.0", auth, policy: policy() });

server.tool("add", { input: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => a + b);
server.tool("reset", { roles: ["admin"] }, (_args, { principal }) => `reset by ${principal?.id}`);

server.use(rateLimit({ limit: 5, windowMs: 60_000, per: ["principal", "target"] }));

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
