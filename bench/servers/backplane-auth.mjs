// Backplane with authentication, a policy and a limit for each principal: AUTH is `keys` or `jwt`.
import { APIKeyAuth, JWTAuth, policy, rateLimit } from "../../packages/auth/dist/index.js";
import { MCPServer } from "../../packages/server/dist/index.js";
import { apiKeys, audience, issuer, secret } from "../lib/auth.mjs";
import { port, serverInfo } from "../lib/settings.mjs";
import { tools } from "../lib/workload.mjs";

const HOUR_MS = 3_600_000;
const auth =
  process.env.AUTH === "jwt"
    ? new JWTAuth({ issuer, audience, algorithms: ["HS256"], secretKey: secret })
    : new APIKeyAuth({ apiKeys });

const server = new MCPServer({ ...serverInfo, auth, policy: policy() });
for (const { name, description, schema } of tools) {
  server.tool(name, { description, input: schema, scopes: ["call"] }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
}
server.use(rateLimit({ limit: Number(process.env.LIMIT ?? 1_000_000_000), windowMs: HOUR_MS }));
await server.start({ port });
