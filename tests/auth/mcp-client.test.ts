import { OAuthClientError, oauth } from "@backplane/auth/client";
import { createLoopbackInteraction } from "@backplane/auth/node";
import { MCPClientError } from "@backplane/client";
import type { Authenticator, Authorizer, Revision } from "@backplane/protocol";
import { MCPServer } from "@backplane/server";
import { MCPTestClient } from "@backplane/testing";
import { type ScriptedOAuthServer, startOAuthServer } from "@backplane/testing/oauth";
import { describe, expect, it, onTestFinished } from "vitest";

async function startAuthorizationServer(): Promise<ScriptedOAuthServer> {
  const as = await startOAuthServer({ subject: "alice" });
  onTestFinished(() => as.close());
  return as;
}

/** A Backplane server that takes the tokens of a scripted authorization server. */
async function startServer(as: ScriptedOAuthServer): Promise<string> {
  let url = "";
  as.route("/resource", () => ({ body: { resource: url, authorization_servers: [as.origin] } }));
  const challenge = (parameters: string) => ({
    "WWW-Authenticate": `Bearer resource_metadata="${as.origin}/resource", ${parameters}`,
  });
  const auth: Authenticator = {
    authenticate(request) {
      const issued = as.issued.get(request.header("authorization")?.split(" ")[1] ?? "");
      if (issued !== undefined && issued.resource === url) {
        const { subject = "nobody", scope } = issued;
        return { principal: { id: subject, scopes: scope.split(" "), roles: [] } };
      }
      const failure = { status: 401, headers: challenge('scope="read"'), message: "No" } as const;
      return { failure };
    },
  };
  const policy: Authorizer = {
    perPrincipal: true,
    decide(principal, { scopes }) {
      if (scopes.every((scope) => principal?.scopes.includes(scope))) return { effect: "allow" };
      const headers = challenge(`error="insufficient_scope", scope="${scopes.join(" ")}"`);
      return { effect: "challenge", failure: { status: 403, headers, message: "More" } };
    },
  };
  const server = new MCPServer({ name: "guarded", version: "1.0.0", auth, policy });
  server.tool("read", { scopes: ["read"] }, (_input, context) => context.principal?.id ?? "nobody");
  server.tool("write", { scopes: ["write"] }, () => "written");
  url = (await server.start({ port: 0 })).url ?? "";
  onTestFinished(async () => void (await server.stop()));
  return url;
}

async function connect(url: string, protocol: Revision): Promise<MCPTestClient> {
  const interaction = createLoopbackInteraction({ open: (link) => fetch(link) });
  const auth = oauth({ interaction, registration: { clientName: "Test" } });
  const client = new MCPTestClient(url, { auth, protocol });
  onTestFinished(() => client.disconnect());
  return client.connect();
}

describe.each(["2026-07-28", "2025-11-25"] as const)("MCPClient with OAuth at %s", (revision) => {
  it("[C25-23] signs in, widens its scopes, and renews a revoked token once for all calls", async () => {
    const as = await startAuthorizationServer();
    const client = await connect(await startServer(as), revision);
    expect(await client.call("read")).toBe("alice");
    expect(await client.call("write")).toBe("written");
    expect(as.asked).toEqual(["read", "read write"]);
    as.issued.clear();
    const calls = Array.from({ length: 50 }, () => client.call("read"));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["alice"]));
    expect(as.count("/token", "refresh_token")).toBe(1);
    expect(as.asked).toHaveLength(2);
  });

  it("says why there is no token", async () => {
    const as = await startAuthorizationServer();
    as.redirect["iss"] = "https://evil.example";
    const error: unknown = await connect(await startServer(as), revision).catch((e: unknown) => e);
    expect(MCPClientError.isInstance(error) && error.code).toBe("unauthorized");
    const { cause } = error as Error;
    expect(OAuthClientError.isInstance(cause) && cause.code).toBe("iss_mismatch");
    expect(as.count("/token")).toBe(0);
  });
});
