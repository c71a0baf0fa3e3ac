import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { createLoopbackInteraction } from "../node.ts";
import { clientCredentials } from "./client-credentials.ts";
import { movableClock } from "./harness/client.test-support.ts";
import { browse, startRealWorld } from "./harness/oidc-provider.test-support.ts";
import { send } from "./harness/world.test-support.ts";
import { type OAuthOptions, oauth } from "./oauth.ts";

function user(options: Partial<OAuthOptions> = {}) {
  const visited: string[] = [];
  const interaction = createLoopbackInteraction({
    open: (url) => {
      visited.push(url);
      return browse(url);
    },
  });
  const auth = oauth({ interaction, registration: { clientName: "Test" }, ...options });
  return { auth, visited };
}

describe("with oidc-provider as the authorization server", () => {
  it("a user signs in in a browser, agrees, and comes back to a listener of this program", async () => {
    const world = await startRealWorld();
    const { auth, visited } = user();
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.accepted).toMatchObject([{ scope: "read", scheme: "Bearer" }]);
    const [url] = visited;
    expect(new URL(url as string).searchParams.get("resource")).toBe(world.mcpUrl);
    expect(world.grants).toEqual(["authorization_code"]);
  });

  it("refresh tokens rotate, and fifty requests refresh once", async () => {
    const world = await startRealWorld({ rotateRefreshToken: true });
    const clock = movableClock();
    const { auth, visited } = user({ clock });
    await send(auth, world.mcpUrl);
    for (let round = 1; round <= 2; round++) {
      const token = await world.provider.AccessToken.find(world.accepted.at(-1)?.token ?? "");
      await token?.destroy();
      clock.advance(120_000);
      const sent = Array.from({ length: 50 }, () => send(auth, world.mcpUrl));
      expect(new Set(await Promise.all(sent))).toEqual(new Set([200]));
      expect(world.grants.filter((grant) => grant === "refresh_token")).toHaveLength(round);
    }
    expect(visited).toHaveLength(1);
  });

  it("wider scopes are granted on top of those there were", async () => {
    const world = await startRealWorld();
    const { auth } = user();
    await send(auth, world.mcpUrl);
    world.needed = "write";
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.accepted.at(-1)?.scope.split(" ").sort()).toEqual(["read", "write"]);
  });

  it("a client registered by hand authenticates with its secret, however odd", async () => {
    const clientSecret = "s:e+c r%25&t/=";
    const world = await startRealWorld({
      clients: [
        {
          client_id: "by:hand",
          client_secret: clientSecret,
          redirect_uris: ["https://app.example/cb"],
          token_endpoint_auth_method: "client_secret_basic",
        },
      ],
    });
    const { auth } = user({
      clientId: "by:hand",
      clientSecret,
      issuer: world.issuer,
      redirectUrl: "https://app.example/cb",
      interaction: { authorize: async (url) => (await browse(url.href)).searchParams },
    });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.grants).toEqual(["authorization_code"]);
  });

  it("machines get tokens with a secret, or with a signed statement", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const machine = {
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    };
    const world = await startRealWorld({
      clients: [
        { ...machine, client_id: "secret", client_secret: "a-secret" },
        {
          ...machine,
          client_id: "key",
          token_endpoint_auth_method: "private_key_jwt",
          jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: "ES256", use: "sig" }] },
        },
      ] as never,
    });
    const issuer = world.issuer;
    const bySecret = clientCredentials({ clientId: "secret", clientSecret: "a-secret", issuer });
    const byKey = clientCredentials({ clientId: "key", privateKey, algorithm: "ES256", issuer });
    expect(await send(bySecret, world.mcpUrl)).toBe(200);
    expect(await send(byKey, world.mcpUrl)).toBe(200);
    world.needed = "read write";
    expect(await send(byKey, world.mcpUrl)).toBe(200);
    expect(world.grants).toEqual(Array(3).fill("client_credentials"));
  });

  it.each([false, true])("tokens are bound to a key; nonces required: %s", async (requireNonce) => {
    const world = await startRealWorld({
      features: {
        dPoP: {
          enabled: true,
          nonceSecret: Buffer.alloc(32, 1),
          requireNonce: () => requireNonce,
        },
      },
    });
    const { auth } = user({ dpop: true });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.accepted).toMatchObject([{ scheme: "DPoP" }]);
    const token = await world.provider.AccessToken.find(world.accepted[0]?.token ?? "");
    expect(token?.jkt).toMatch(/^[\w-]{43}$/);
    await token?.destroy();
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.grants).toEqual(["authorization_code", "refresh_token"]);
  });
});
