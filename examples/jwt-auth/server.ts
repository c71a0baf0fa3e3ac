import { JWTAuth, policy } from "@backplane/auth";
import { MCPServer } from "@backplane/server";

const port = Number(process.env.PORT ?? 8080);

// 32 bytes at least: whoever has one token can try every shorter secret on it.
const auth = new JWTAuth({
  secretKey: process.env.JWT_SECRET ?? "an example secret of more than thirty-two bytes",
  algorithms: ["HS256"],
  issuer: "https://tokens.example",
  audience: "https://mcp.example/mcp",
  expirationHours: 24,
});

const server = new MCPServer({ name: "secure-server", version: "1.0.0", auth, policy: policy() });

server.tool("whoami", {}, (_args, { principal }) => principal?.id ?? "nobody");
server.tool("publish", { scopes: ["write"] }, () => "published");

const { url } = await server.start({ port, signals: true });
// For development: in production an authorization server issues the tokens.
const token = await auth.issue({ sub: "ada", scope: "read" });
console.log(`MCP server at ${url} token ${token}`);
