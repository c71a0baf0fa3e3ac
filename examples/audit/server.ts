import { appendFile } from "node:fs/promises";
import { APIKeyAuth, policy } from "@backplane/auth";
import { AuditLog } from "@backplane/monitoring";
import { auditFile } from "@backplane/monitoring/node";
import { MCPServer } from "@backplane/server";
import { z } from "zod";

const { AUDIT_FILE = "audit.jsonl", AUDIT_HEADS = "heads.jsonl" } = process.env;
// From a secret store in real life; at least 32 bytes.
const key = process.env.AUDIT_KEY ?? "example-key-of-the-audit-with-32-bytes";

const server = new MCPServer({
  name: "audited-server",
  version: "1.0.0",
  auth: new APIKeyAuth({
    apiKeys: {
      clerk: "example-key-of-the-clerk",
      auditor: { key: "example-key-of-the-auditor", roles: ["auditor"] },
    },
  }),
  policy: policy(),
});

const audit = new AuditLog({
  server,
  sink: auditFile({ path: AUDIT_FILE, maxBytes: 16 * 1024 * 1024 }),
  key,
  // In real life to where the writer of the audit cannot change it: another account, a ticket, a timestamp service.
  onHead: (head) => appendFile(AUDIT_HEADS, `${JSON.stringify(head)}\n`),
});

const amount = z.object({ amount: z.number().positive() });
server.tool("pay", { input: amount }, ({ amount: paid }) => `paid ${paid}`);
server.tool("audit_status", { roles: ["auditor"] }, () => audit.status);

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
