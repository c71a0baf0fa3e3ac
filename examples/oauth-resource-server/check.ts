import assert from "node:assert/strict";
import { withServer } from "../check/server-process.ts";
import { signIn, startAuthorizationServer } from "./authorization-server.ts";
import { countNotes, takeNote } from "./client.ts";
import { startProxy } from "./proxy.ts";

const authorizationServer = await startAuthorizationServer();
const { issuer } = authorizationServer;
const proxy = await startProxy();
const publicUrl = proxy.url;
const environment = { PUBLIC_URL: publicUrl, ISSUER: issuer };

try {
  await withServer(new URL("server.js", import.meta.url), environment, async ({ url }) => {
    proxy.target = url;

    // Whoever has no token is told where to get one.
    const { origin } = new URL(publicUrl);
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const refused = await fetch(publicUrl, { method: "POST" });
    assert.equal(refused.status, 401);
    assert.equal(
      refused.headers.get("www-authenticate"),
      `Bearer scope="notes:read", resource_metadata="${metadataUrl}"`,
    );
    assert.deepEqual(await (await fetch(metadataUrl)).json(), {
      resource: publicUrl,
      authorization_servers: [issuer],
      scopes_supported: ["notes:read", "notes:write"],
      bearer_methods_supported: ["header"],
      resource_name: "Notes",
    });

    // A user, who is asked twice: to sign in, and for the wider scope.
    const asked: (string | null)[] = [];
    const open = (link: string): Promise<void> => {
      asked.push(new URL(link).searchParams.get("scope"));
      return signIn(link);
    };
    assert.deepEqual(await takeNote(publicUrl, open), {
      reader: "alice",
      address: "203.0.113.7",
      notes: ["Buy milk"],
    });
    assert.deepEqual(asked, ["notes:read", "notes:read notes:write"]);
    assert.equal(await countNotes(publicUrl, issuer), 1);

    // A good token of the same authorization server, for somebody else.
    const foreign = await authorizationServer.token("https://other.example/mcp");
    const attempt = await fetch(publicUrl, {
      method: "POST",
      headers: { authorization: `Bearer ${foreign}` },
    });
    assert.equal(attempt.status, 401);
    assert.match(attempt.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
  });
} finally {
  proxy.close();
  authorizationServer.close();
}
