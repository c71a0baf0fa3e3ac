import { OAuthResourceServer, policy } from "@backplane/auth";
import { MCPServer } from "@backplane/server";
import { z } from "zod";

// As clients see it: tokens are issued for this URL, and those for any other are refused.
const publicUrl = process.env.PUBLIC_URL ?? "https://mcp.example/mcp";
const issuer = process.env.ISSUER ?? "https://login.example";
// Who may write may read.
const scopeHierarchy = { "notes:write": ["notes:read"] };

const server = new MCPServer({
  name: "notes",
  version: "1.0.0",
  auth: new OAuthResourceServer({
    publicUrl,
    authorizationServers: [{ issuer, algorithms: ["RS256"] }],
    requiredScopes: ["notes:read"],
    scopeHierarchy,
    resourceName: "Notes",
  }),
  policy: policy({ scopeHierarchy, rules: [{ tags: ["admin"], roles: ["admin"] }] }),
  // The proxy that has the certificate: what it says of the client and of the public URL is believed.
  allowedHosts: ["127.0.0.1", new URL(publicUrl).hostname],
  trustProxy: ["loopback"],
});

const notes: string[] = [];

server.tool("read_notes", {}, (_args, { principal, transport }) => ({
  reader: principal?.id,
  address: transport.remoteAddress,
  notes,
}));

server.tool(
  "write_note",
  { input: z.object({ text: z.string() }), scopes: ["notes:write"] },
  ({ text }) => `note ${notes.push(text)}`,
);

server.tool("delete_notes", { tags: ["admin"] }, () => `deleted ${notes.splice(0).length}`);

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url} for clients of ${publicUrl}`);
