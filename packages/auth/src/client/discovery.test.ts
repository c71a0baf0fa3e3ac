import { describe, expect, it } from "vitest";
import type { ScriptedReply } from "../test-suite/scripted-peer.ts";
import { failure, userClient } from "./harness/client.test-support.ts";
import { send, startWorld, unauthorized } from "./harness/world.test-support.ts";

const paths = (peer: { readonly received: readonly { readonly path: string }[] }): string[] =>
  peer.received.map(({ path }) => path).filter((path) => path.startsWith("/.well-known"));

describe("metadata of the resource", () => {
  it("[A26-01, A26-17] is read where the challenge says, and nowhere else", async () => {
    const world = await startWorld();
    const prm = { resource: world.mcpUrl, authorization_servers: [world.as.origin] };
    world.mcp.route("/.well-known/elsewhere.json", () => ({ body: prm }));
    const inner = world.refuse;
    world.refuse = (request) =>
      inner(request) && {
        status: 401,
        headers: {
          "www-authenticate": `Basic realm="x", Bearer resource_metadata="${world.mcp.origin}/.well-known/elsewhere.json"`,
        },
      };
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    expect(paths(world.mcp)).toEqual(["/.well-known/elsewhere.json"]);
  });

  it("[A26-01] is looked for at the path, then at the root", async () => {
    const world = await startWorld();
    const inner = world.refuse;
    world.refuse = (request) => inner(request) && { status: 401 };
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    expect(paths(world.mcp)).toEqual(["/.well-known/oauth-protected-resource/mcp"]);

    const atRoot = await startWorld();
    const path = "/.well-known/oauth-protected-resource";
    atRoot.mcp.route(`${path}/mcp`, () => ({ status: 404 }));
    atRoot.mcp.route(path, () => ({
      body: { resource: atRoot.mcp.origin, authorization_servers: [atRoot.as.origin] },
    }));
    const refuse = atRoot.refuse;
    atRoot.refuse = (request) => refuse(request) && { status: 401 };
    expect(await send(userClient(), atRoot.mcpUrl)).toBe(200);
    expect(paths(atRoot.mcp)).toEqual([`${path}/mcp`, path]);
  });

  it("[A26-01] is looked for at the well-known URI when the place of the challenge is empty", async () => {
    const world = await startWorld();
    const inner = world.refuse;
    world.refuse = (request) =>
      inner(request) && {
        status: 401,
        headers: { "www-authenticate": `Bearer resource_metadata="${world.mcp.origin}/gone"` },
      };
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
  });

  it.each([
    ["https://evil.example/mcp", "resource_mismatch"],
    ["SERVER/mcp/deeper", "resource_mismatch"],
    ["SERVER/mc", "resource_mismatch"],
  ])("[A26-12] about %s ends the flow", async (resource, code) => {
    const world = await startWorld();
    world.resourceMetadata["resource"] = resource.replace("SERVER", world.mcp.origin);
    const error = await failure(send(userClient(), world.mcpUrl));
    expect(error.code).toBe(code);
    expect(error.stage).toBe("discovery");
    expect(world.as.received).toEqual([]);
  });

  it("without an authorization server ends the flow", async () => {
    const world = await startWorld();
    world.resourceMetadata["authorization_servers"] = [];
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("discovery_failed");
  });

  it("may be missing when the server's own origin is the authorization server (2025-03-26)", async () => {
    const world = await startWorld();
    world.mcp.route("/.well-known/oauth-protected-resource/mcp", () => ({ status: 404 }));
    world.mcp.route("/.well-known/oauth-authorization-server", () => ({
      body: {
        issuer: world.mcp.origin,
        authorization_endpoint: `${world.as.origin}/authorize`,
        token_endpoint: `${world.as.origin}/token`,
        registration_endpoint: `${world.as.origin}/register`,
        response_types_supported: ["code"],
        code_challenge_methods_supported: ["S256"],
      },
    }));
    world.as.redirect["iss"] = world.mcp.origin;
    world.refuse = (request) =>
      world.as.issued.size > 0 && request.headers["authorization"] !== undefined
        ? undefined
        : { status: 401 };
    expect(await send(userClient(), `${world.mcpUrl}?key=secret`)).toBe(200);
    // The query is no part of the resource, and may be a secret.
    const [grant] = [...world.as.issued.values()];
    expect(grant?.resource).toBe(world.mcpUrl);
  });
});

describe("metadata of the authorization server", () => {
  const document = (issuer: string, origin: string): ScriptedReply => ({
    body: {
      issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      jwks_uri: `${origin}/jwks`,
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    },
  });

  it.each([
    ["", ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]],
    [
      "/tenant",
      [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
      ],
    ],
  ])("[A26-02] of an issuer with the path %j is tried in order", async (path, order) => {
    for (const [index, place] of order.entries()) {
      const world = await startWorld();
      const issuer = `${world.as.origin}${path}`;
      world.resourceMetadata["authorization_servers"] = [issuer];
      for (const other of order) world.as.route(other, () => ({ status: 404 }));
      world.as.route(place, () => document(issuer, world.as.origin));
      world.as.redirect["iss"] = issuer;
      expect(await send(userClient(), world.mcpUrl)).toBe(200);
      const asked = world.as.received
        .map((one) => one.path)
        .filter((one) => /well-known/.test(one));
      expect(asked).toEqual(order.slice(0, index + 1));
    }
  });

  it.each(["https://attacker.example", "SLASH"])(
    "[A26-03] with the issuer %s is not used",
    async (issuer) => {
      const world = await startWorld();
      world.as.metadata["issuer"] = issuer.replace("SLASH", `${world.as.origin}/`);
      const error = await failure(send(userClient(), world.mcpUrl));
      expect(error.code).toBe("issuer_mismatch");
      expect(world.as.count("/register") + world.as.count("/token")).toBe(0);
    },
  );

  it("[A26-03] with a slash is not the one without, in either direction", async () => {
    const world = await startWorld();
    world.resourceMetadata["authorization_servers"] = [`${world.as.origin}/`];
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("issuer_mismatch");
  });

  it.each([
    ["no list", undefined],
    ["an empty list", []],
    ["plain only", ["plain"]],
  ])("[A26-09] that offers PKCE by %s ends the flow", async (_name, methods) => {
    const world = await startWorld();
    world.as.metadata["code_challenge_methods_supported"] = methods;
    const error = await failure(send(userClient(), world.mcpUrl));
    expect(error.code).toBe("pkce_unsupported");
    expect(world.as.count("/authorize") + world.as.count("/register")).toBe(0);
  });

  it("that is nowhere, garbled or away says which it is", async () => {
    const world = await startWorld();
    const path = "/.well-known/oauth-authorization-server";
    world.as.route(path, () => ({ status: 404 }));
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("discovery_failed");
    world.as.route(path, () => ({ body: "<html>" }));
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("invalid_response");
    world.as.route(path, () => ({ status: 503 }));
    const away = await failure(send(userClient(), world.mcpUrl));
    expect([away.code, away.retryable, away.status]).toEqual(["unavailable", true, 503]);
  });

  it("[A26-04] of a new authorization server leads to a new registration there", async () => {
    const world = await startWorld();
    const next = await startWorld();
    const auth = userClient();
    expect(await send(auth, world.mcpUrl)).toBe(200);
    world.resourceMetadata["authorization_servers"] = [next.as.origin];
    world.refuse = (request) => {
      const token = String(request.headers["authorization"] ?? "").slice("Bearer ".length);
      return next.as.issued.has(token) ? undefined : unauthorized(world);
    };
    const before = [...world.as.issued.keys()];
    const ids = new Set([...world.as.issued.values()].map(({ clientId }) => clientId));
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(next.as.count("/register")).toBe(1);
    expect(world.as.count("/token", "refresh_token")).toBe(0);
    const sent = next.as.received.map(({ text, query }) => `${text} ${query}`).join(" ");
    for (const old of [...before, "refresh-"]) expect(sent).not.toContain(old);
    expect([...next.as.issued.values()].map(({ resource }) => resource)).toEqual([world.mcpUrl]);
    expect(ids.size).toBe(1);
  });
});
