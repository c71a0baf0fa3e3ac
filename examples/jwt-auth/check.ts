import assert from "node:assert/strict";
import { JWTAuth } from "@backplane/auth";
import { bearerToken } from "@backplane/auth/client";
import { MCPClient } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

// What the server has: the tokens of both are the same.
const secretKey = "the secret of this check, more than 32 bytes";
const issuing = { algorithms: ["HS256"], issuer: "https://tokens.example", secretKey } as const;
const issuer = new JWTAuth({ ...issuing, audience: "https://mcp.example/mcp" });
const elsewhere = new JWTAuth({ ...issuing, audience: "https://other.example/mcp" });

await withServer(
  new URL("server.js", import.meta.url),
  { JWT_SECRET: secretKey },
  async ({ url }) => {
    const connect = async (token: string): Promise<MCPClient> => {
      const client = new MCPClient({ url, auth: bearerToken(token) });
      await client.connect();
      return client;
    };
    const reader = await connect(await issuer.issue({ sub: "ada", scope: "read" }));
    const writer = await connect(await issuer.issue({ sub: "bob", scope: "read write" }));
    try {
      assert.equal(await reader.call("whoami", {}), "ada");
      await assert.rejects(reader.call("publish", {}));
      assert.equal(await writer.call("publish", {}), "published");
      await assert.rejects(connect(await elsewhere.issue({ sub: "eve" })));
    } finally {
      await Promise.all([reader.close(), writer.close()]);
    }
  },
);
