import { APIKeyAuth } from "@backplane/auth";
import { AuditLog, MCPMetrics } from "@backplane/monitoring";
import { Dashboard } from "@backplane/monitoring/dashboard";
import { auditFile } from "@backplane/monitoring/node";
import { MCPServer } from "@backplane/server";
import { z } from "zod";

const auth = new APIKeyAuth({
  apiKeys: {
    operator: { key: "example-key-of-the-operator", roles: ["operator"] },
    app: "example-key-of-an-app",
  },
});
const server = new MCPServer({ name: "watched-server", version: "1.0.0", auth });

const metrics = new MCPMetrics({ server });
const audit = new AuditLog({
  server,
  sink: auditFile({ path: process.env.AUDIT_FILE ?? "audit.jsonl" }),
});
new Dashboard({
  server,
  metrics,
  audit,
  // It shows what everybody does: not everybody who may call tools may see it.
  allow: ({ roles }) => roles.includes("operator"),
});

server.tool(
  "book_room",
  { description: "Books a room", input: z.object({ room: z.string() }) },
  async ({ room }, ctx) => {
    const { action, content } = await ctx.elicit("people", {
      message: `How many people will be in ${room}?`,
      schema: z.object({ people: z.number().int().min(1) }),
    });
    return action === "accept" ? `${room} for ${content?.people}` : "not booked";
  },
);

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
console.log(`Dashboard at ${new URL("/dashboard", url)}`);
