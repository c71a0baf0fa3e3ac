import type { Authenticator, Authorizer } from "@backplane/protocol";
import { MCPServer } from "@backplane/server";
import type { ScriptedOAuthServer } from "@backplane/testing/oauth";
import { z } from "zod";

/** An MCP server that takes the tokens of one authorization server, and wants a scope for each tool. */
export async function startNotesServer(authorizationServer: ScriptedOAuthServer): Promise<{
  readonly url: string;
  readonly notes: readonly string[];
  stop(): Promise<unknown>;
}> {
  let url = "";
  const { issuer } = authorizationServer;
  authorizationServer.route("/resource", () => ({
    body: { resource: url, authorization_servers: [issuer] },
  }));
  const challenge = (parameters: string) => ({
    "WWW-Authenticate": `Bearer resource_metadata="${issuer}/resource", ${parameters}`,
  });

  const auth: Authenticator = {
    authenticate(request) {
      const [, token = ""] = request.header("authorization")?.split(" ") ?? [];
      const grant = authorizationServer.issued.get(token);
      // A token for another server is none.
      if (grant?.resource !== url) {
        const headers = challenge('scope="read"');
        return { failure: { status: 401, headers, message: "Not signed in" } };
      }
      return {
        principal: {
          id: grant.subject ?? grant.clientId,
          scopes: grant.scope.split(" "),
          roles: [],
        },
      };
    },
  };

  const policy: Authorizer = {
    perPrincipal: true,
    decide(principal, { scopes }) {
      if (scopes.every((scope) => principal?.scopes.includes(scope))) return { effect: "allow" };
      const headers = challenge(`error="insufficient_scope", scope="${scopes.join(" ")}"`);
      const failure = { status: 403, headers, message: "More scopes are needed" } as const;
      return { effect: "challenge", failure };
    },
  };

  const server = new MCPServer({ name: "notes", version: "1.0.0", auth, policy });
  const notes: string[] = [];
  server.tool("read_notes", { scopes: ["read"] }, (_input, ctx) => ({
    reader: ctx.principal?.id,
    notes,
  }));
  server.tool(
    "write_note",
    { input: z.object({ text: z.string() }), scopes: ["write"] },
    ({ text }) => {
      notes.push(text);
      return { written: true };
    },
  );
  url = (await server.start({ port: 0 })).url ?? "";
  return { url, notes, stop: () => server.stop() };
}
