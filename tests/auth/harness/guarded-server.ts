import { APIKeyAuth, anyOf, JWTAuth, policy } from "@backplane/auth";
import type { Logger } from "@backplane/protocol";
import type { MCPServer, MCPServerOptions } from "@backplane/server";
import type { Headers } from "../../protocol/harness/http.ts";

const issuer = "https://as.example";
const audience = "https://mcp.example/mcp";

/** Tokens that the tests sign. */
export const jwt = new JWTAuth({
  issuer,
  audience,
  algorithms: ["HS256"],
  secretKey: "a shared secret of the tests, longer than 32 bytes",
});

export const keys = {
  reader: "key-of-the-reader-1",
  admin: "key-of-the-admin-01",
  other: "key-of-another-one-1",
} as const;

/** API keys or tokens, and a policy over everything that {@link registerGuarded} registers. */
export function guardedOptions(): Partial<MCPServerOptions> {
  const apiKeys = {
    reader: { key: keys.reader, scopes: ["read"] },
    admin: { key: keys.admin, scopes: ["read", "write"], roles: ["admin"] },
    other: { key: keys.other },
  };
  return {
    auth: anyOf([new APIKeyAuth({ apiKeys }), jwt]),
    policy: policy({ rules: [{ tags: ["billing"], scopes: ["billing"] }] }),
  };
}

/** Something of every kind, open, by scope and by role. */
export function registerGuarded(server: MCPServer): void {
  server.tool("open", {}, (_args, context) => context.principal?.id ?? "nobody");
  server.tool("by_scope", { scopes: ["write"] }, () => "secret");
  server.tool("by_tag", { scopes: ["read"], tags: ["billing"] }, () => "secret");
  server.tool("by_role", { roles: ["admin"] }, () => "secret");
  const complete = () => ["secret"];
  server.prompt("open", { arguments: { x: { complete: () => ["public"] } } }, () => "public");
  server.prompt("by_role", { roles: ["admin"], arguments: { x: { complete } } }, () => "secret");
  server.resource("test://open", {}, () => "public");
  server.resource("test://by-role", { roles: ["admin"] }, () => "secret");
  server.resource(
    "test://by-role/{id}",
    { roles: ["admin"], complete: { id: complete } },
    () => "secret",
  );
}

export function apiKey(key: string): Headers {
  return { "x-api-key": key };
}

/** A logger that keeps what it is told. */
export function recording(): Logger & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const log = (fields: object, text: string): void =>
    void lines.push(JSON.stringify({ ...fields, text }));
  return { lines, debug: log, info: log, warn: log, error: log };
}
