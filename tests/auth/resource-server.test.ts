import { JWTAuth, OAuthResourceServer } from "@backplane/auth";
import { clientCredentials } from "@backplane/auth/client";
import { MCPClient } from "@backplane/client";
import { afterAll, describe, expect, it } from "vitest";
import { callTool, modern, send } from "../protocol/harness/http.ts";
import { initialize, openSession } from "../protocol/harness/legacy-session.ts";
import { startAuthorizationServer } from "./harness/authorization-server.ts";
import { recording } from "./harness/guarded-server.ts";
import { startResourceServer } from "./harness/resource-server.ts";

const as = await startAuthorizationServer();
const logger = recording();
const { server, url, origin } = await startResourceServer(as.issuer, logger);
afterAll(() => server.stop());

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;

describe("metadata", () => {
  it.each(["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"])(
    "[R26-01, R26-02, R26-08, S25-23] is at %s, for every origin",
    async (path) => {
      const answer = await send(origin + path, {
        method: "GET",
        headers: { origin: "https://page.example" },
      });
      expect(answer.status).toBe(200);
      expect(answer.headers["access-control-allow-origin"]).toBe("*");
      expect(JSON.parse(answer.text)).toEqual({
        resource: url,
        authorization_servers: [as.issuer],
        scopes_supported: ["read", "write"],
        bearer_methods_supported: ["header"],
      });
    },
  );
});

describe("challenges", () => {
  it("[R26-02, R26-05, S25-23] 401 without a token, in both eras", async () => {
    for (const answer of [await modern(url, "tools/list"), await initialize(url)]) {
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe(`Bearer resource_metadata="${metadataUrl}"`);
    }
  });

  it("[R26-05] 401 for a bad token, 400 for a malformed request", async () => {
    const bad = await modern(url, "tools/list", {}, bearer("a.b.c"));
    expect(bad.status).toBe(401);
    expect(bad.headers["www-authenticate"]).toContain('error="invalid_token"');
    const malformed = await modern(url, "tools/list", {}, bearer("a b"));
    expect(malformed.status).toBe(400);
    expect(malformed.headers["www-authenticate"]).toContain('error="invalid_request"');
  });

  it("[R26-06, R26-08, S25-23] 403 with all scopes at once, without those of the client alone", async () => {
    const { headers } = bearer(await as.token(url));
    const both = await callTool(url, "both", {}, { headers });
    expect(both.status).toBe(403);
    expect(both.headers["www-authenticate"]).toBe(
      `Bearer scope="write read", resource_metadata="${metadataUrl}", error="insufficient_scope"`,
    );
    const offline = await callTool(url, "offline", {}, { headers });
    expect(offline.headers["www-authenticate"]).not.toContain("offline_access");
    const session = await openSession(url, { headers });
    expect((await session.callTool("both")).status).toBe(403);
  });

  it("[R26-07] scopes that include others are honoured", async () => {
    const answer = await callTool(url, "both", {}, bearer(await as.token(url, "write")));
    expect(answer.message?.result?.content?.[0]?.text).toBe("both");
  });
});

describe("tokens", () => {
  it("[R26-03, S25-23] of the authorization server for this server are taken", async () => {
    const answer = await callTool(url, "whoami", {}, bearer(await as.token(url, "read write")));
    expect(JSON.parse(answer.message?.result?.content?.[0]?.text ?? "")).toMatchObject({
      id: "machine",
      issuer: as.issuer,
      scopes: ["read", "write"],
    });
  });

  it.each([["/other"], ["/mcp/"], ["/"]])(
    "[R26-03, R26-04, S25-23] for another server (%s) are refused",
    async (path) => {
      const answer = await callTool(url, "whoami", {}, bearer(await as.token(origin + path)));
      expect(answer.status).toBe(401);
      expect(logger.lines.at(-1)).toMatch(/"stage":"audience"/);
    },
  );

  it("[R26-03, R26-04] of nobody, and of another issuer, are refused", async () => {
    const forger = new JWTAuth({
      issuer: as.issuer,
      audience: url,
      algorithms: ["HS256"],
      secretKey: "the secret of somebody else, which is long",
    });
    const answer = await callTool(url, "whoami", {}, bearer(await forger.issue({ sub: "root" })));
    expect(answer.status).toBe(401);
    expect(logger.lines.at(-1)).toMatch(/"stage":"algorithm"/);
  });

  it("[R26-04, R26-09] stay here: neither handlers nor the log see them", async () => {
    const token = await as.token(url);
    const answer = await callTool(url, "whoami", {}, bearer(token));
    expect(answer.text).not.toContain(token.slice(-40));
    await callTool(url, "whoami", {}, bearer(`${token.slice(0, -6)}AAAAAA`));
    expect(logger.lines.at(-1)).toMatch(/"stage":"signature"/);
    expect(logger.lines.join("\n")).not.toContain(token.split(".")[1]);
  });

  it("[R26-09] are checked with keys that come by https or from this machine only", () => {
    const make = (issuer: string) =>
      new OAuthResourceServer({
        publicUrl: url,
        authorizationServers: [{ issuer, algorithms: ["RS256"] }],
      });
    expect(() => make("http://as.example")).toThrow(/https/);
    expect(() => make("https://as.example")).not.toThrow();
  });
});

it("[R26-10, R26-12] it is no authorization server and no proxy of one", async () => {
  for (const path of [
    "/authorize",
    "/token",
    "/register",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
  ]) {
    expect((await send(origin + path, { method: "GET" })).status).toBe(404);
    expect((await send(origin + path, { body: "grant_type=x" })).status).toBe(404);
  }
});

it("[R26-02] our own client finds its way from the refusal to the tool", async () => {
  const auth = clientCredentials({
    clientId: "machine",
    clientSecret: "the-secret-of-machine",
    issuer: as.issuer,
  });
  const client = new MCPClient({ url, auth });
  await client.connect();
  const { id } = JSON.parse(String(await client.call("whoami", {}))) as { id: string };
  expect(id).toBe("machine");
  // Without the scope at first: the 403 says which, and the client asks for it.
  expect(await client.call("both", {})).toBe("both");
  await client.close();
});
