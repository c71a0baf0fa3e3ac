import assert from "node:assert/strict";
import { apiKey } from "@backplane/auth/client";
import { MCPClient, MCPError } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

await withServer(new URL("server.js", import.meta.url), {}, async ({ url }) => {
  const member = new MCPClient({ url, headers: { "X-API-Key": "example-key-of-client-1" } });
  // The same, and the key goes to this server alone, whatever the client is led to.
  const admin = new MCPClient({ url, auth: apiKey("example-key-of-client-2") });
  try {
    await Promise.all([member.connect(), admin.connect()]);
    assert.deepEqual(await namesOf(member), ["add"]);
    assert.deepEqual(await namesOf(admin), ["add", "reset"]);
    assert.equal(await admin.call("reset", {}), "reset by client2");
    await assert.rejects(member.call("reset", {}), MCPError.isInstance);

    for (let call = 0; call < 5; call++) assert.equal(await member.call("add", { a: 1, b: 2 }), 3);
    const refused = await fetch(url, {
      method: "POST",
      headers: { "X-API-Key": "example-key-of-nobody" },
    });
    assert.equal(refused.status, 401);
  } finally {
    await Promise.all([member.close(), admin.close()]);
  }
});

async function namesOf(client: MCPClient): Promise<readonly string[]> {
  return (await client.listTools()).map(({ name }) => name);
}
