import { createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it, onTestFinished } from "vitest";
import { requestOf } from "../harness/requests.test-support.ts";
import { IntrospectionAuth } from "../introspection.ts";
import { JWTAuth } from "../jwt.ts";
import { type OAuthServerOptions, startOAuthServer } from "./oauth-server.ts";

const RESOURCE = "https://mcp.example/mcp";

async function start(options: OAuthServerOptions = {}) {
  const server = await startOAuthServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** Asks the token endpoint as a machine. */
async function askAsMachine(origin: string, secret: string) {
  const response = await fetch(`${origin}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`machine:${secret}`)}` },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      resource: RESOURCE,
      scope: "read",
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("a scripted OAuth server", () => {
  it("signs tokens that JWTAuth takes, as it finds the keys", async () => {
    const server = await start({ accessTokens: "jwt", subject: "ada" });
    const auth = new JWTAuth({
      issuer: server.issuer,
      audience: RESOURCE,
      algorithms: ["ES256"],
      jwksUrl: `${server.issuer}/jwks`,
    });
    const token = await server.issueToken({ resource: RESOURCE, scope: "read write" });
    const outcome = await auth.authenticate(requestOf({ authorization: `Bearer ${token}` }));
    expect(outcome).toMatchObject({ principal: { id: "ada", scopes: ["read", "write"] } });
    const foreign = await server.issueToken({ resource: "https://other.example/mcp" });
    const refused = await auth.authenticate(requestOf({ authorization: `Bearer ${foreign}` }));
    expect(refused).toMatchObject({ failure: { status: 401 } });
  });

  it("tells by introspection which tokens are good", async () => {
    const clock = createFakeClock();
    const server = await start({ expiresInS: 60, clock });
    const auth = new IntrospectionAuth({
      introspectionUrl: `${server.issuer}/introspect`,
      issuer: server.issuer,
      audience: RESOURCE,
      clientId: "mcp",
      clientSecret: "secret",
      clock,
      cache: { ttlMs: 1 },
    });
    const ask = (token: string) =>
      auth.authenticate(requestOf({ authorization: `Bearer ${token}` }));
    const token = await server.issueToken({ resource: RESOURCE, scope: "read" });
    expect(await ask(token)).toMatchObject({ principal: { id: "user", scopes: ["read"] } });
    server.issued.delete(token);
    clock.advance(1_000);
    expect(await ask(token)).toMatchObject({ failure: { status: 401 } });
    const short = await server.issueToken({ resource: RESOURCE });
    clock.advance(60_000);
    expect(await ask(short)).toMatchObject({ failure: { status: 401 } });
  });

  it("knows its machines when it is told them", async () => {
    const server = await start({ clients: { machine: "right" } });
    expect(await askAsMachine(server.origin, "wrong")).toMatchObject({
      status: 401,
      body: { error: "invalid_client" },
    });
    const { body } = await askAsMachine(server.origin, "right");
    expect(server.issued.get(String(body["access_token"]))).toMatchObject({
      clientId: "machine",
      subject: "machine",
      scope: "read",
      resource: RESOURCE,
    });
  });

  it("lies as it is told", async () => {
    const server = await start();
    server.tokenResponse["token_type"] = "Strange";
    server.tokenResponse["expires_in"] = undefined;
    const { body } = await askAsMachine(server.origin, "any");
    expect(body).toMatchObject({ token_type: "Strange" });
    expect(body).not.toHaveProperty("expires_in");
    server.refuse("client_credentials", "slow_down", { status: 503, times: 1 });
    expect(await askAsMachine(server.origin, "any")).toMatchObject({ status: 503 });
    expect(await askAsMachine(server.origin, "any")).toMatchObject({ status: 200 });
    expect(server.count("/token", "client_credentials")).toBe(3);
  });

  it.each([
    [{ expiresInS: 0 }, "expiresInS"],
    [{ accessTokens: "paseto" }, "accessTokens"],
    [{ expiresIn: 5 }, "expiresIn"],
  ])("refuses %j", async (options, says) => {
    await expect(startOAuthServer(options as never)).rejects.toThrow(says);
  });
});
