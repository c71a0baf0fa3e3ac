import { Secret } from "@backplane/protocol";
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import type { ReceivedRequest } from "../test-suite/scripted-peer.ts";
import { clientCredentials } from "./client-credentials.ts";
import { enterpriseManaged } from "./enterprise-managed.ts";
import { failure } from "./harness/client.test-support.ts";
import { startPeer } from "./harness/http-peer.test-support.ts";
import {
  insufficientScope,
  recordingLogger,
  send,
  startWorld,
  tokenOf,
  unauthorized,
  type World,
} from "./harness/world.test-support.ts";
import { workloadIdentity } from "./workload-identity.ts";

function tokenRequests({ as }: World): readonly ReceivedRequest[] {
  return as.received.filter(({ path }) => path === "/token");
}

describe("client credentials", () => {
  it("with a secret: one token for requests side by side, with the resource", async () => {
    const world = await startWorld();
    const auth = clientCredentials({
      clientId: "machine",
      clientSecret: new Secret("machine-secret"),
      issuer: world.as.origin,
    });
    const statuses = await Promise.all(Array.from({ length: 50 }, () => send(auth, world.mcpUrl)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    const [request, ...more] = tokenRequests(world);
    expect(more).toEqual([]);
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: "client_credentials",
      resource: world.mcpUrl,
    });
    expect(request?.headers["authorization"]).toBe(`Basic ${btoa("machine:machine-secret")}`);
    expect(world.as.count("/authorize") + world.as.count("/register")).toBe(0);
  });

  it("needs neither PKCE nor a user, and asks again for wider scopes", async () => {
    const world = await startWorld();
    world.as.metadata["code_challenge_methods_supported"] = undefined;
    world.refuse = (request) => {
      const issued = world.as.issued.get(tokenOf(request));
      if (issued === undefined) return unauthorized(world, ', scope="a"');
      return issued.scope === "a b" ? undefined : insufficientScope("b");
    };
    const auth = clientCredentials({ clientId: "m", clientSecret: "s" });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(tokenRequests(world).map(({ form }) => form.get("scope"))).toEqual(["a", "a b"]);
  });

  it("may ask for a scope of its own for each of many tools, but not without end", async () => {
    const world = await startWorld();
    let wanted = 1;
    world.refuse = (request) => {
      const issued = world.as.issued.get(tokenOf(request));
      if (issued === undefined) return unauthorized(world);
      return issued.scope.includes(`tool-${wanted};`)
        ? undefined
        : insufficientScope(`tool-${wanted};`);
    };
    const auth = clientCredentials({ clientId: "m", clientSecret: "s" });
    for (; wanted < 10; wanted++) expect(await send(auth, world.mcpUrl)).toBe(200);
    expect((await failure(send(auth, world.mcpUrl))).code).toBe("too_many_attempts");
  });

  it("gets another token when the first ends, before any request is refused", async () => {
    const world = await startWorld();
    Object.assign(world.as.tokenResponse, { refresh_token: undefined, expires_in: 0 });
    const auth = clientCredentials({ clientId: "m", clientSecret: "s" });
    await send(auth, world.mcpUrl);
    world.as.tokenResponse["expires_in"] = 3600;
    const before = world.mcp.count("/mcp");
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.mcp.count("/mcp")).toBe(before + 1);
  });

  const kinds = ["PEM", "Secret", "JWK", "CryptoKey"] as const;
  it.each(kinds)(
    "with a private key as %s: a statement for this authorization server",
    async (kind) => {
      const world = await startWorld();
      Object.assign(world.as.metadata, {
        token_endpoint_auth_methods_supported: ["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: ["ES256", "EdDSA"],
      });
      const algorithm = kind === "JWK" ? "EdDSA" : "ES256";
      const extractable = kind !== "CryptoKey";
      const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable });
      const given = {
        PEM: async () => exportPKCS8(privateKey),
        Secret: async () => new Secret(await exportPKCS8(privateKey)),
        JWK: async () => exportJWK(privateKey),
        CryptoKey: async () => privateKey,
      };
      const auth = clientCredentials({
        clientId: "machine",
        privateKey: await given[kind](),
        algorithm,
        issuer: world.as.origin,
      });
      expect(await send(auth, world.mcpUrl)).toBe(200);
      world.as.issued.clear();
      world.as.refuse("refresh_token", "invalid_grant");
      expect(await send(auth, world.mcpUrl)).toBe(200);
      const statements = tokenRequests(world).map(({ form }) => form.get("client_assertion") ?? "");
      const seen = new Set<unknown>();
      for (const statement of statements) {
        const { payload } = await jwtVerify(statement, publicKey, {
          issuer: "machine",
          subject: "machine",
          audience: world.as.origin,
          requiredClaims: ["jti", "exp", "iat"],
        });
        expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(300);
        seen.add(payload.jti);
      }
      expect(seen.size).toBe(statements.length);
      expect(statements.length).toBeGreaterThan(1);
    },
  );

  it("does not sign for a server that takes no such statement", async () => {
    const world = await startWorld();
    const { privateKey } = await generateKeyPair("ES256");
    const auth = clientCredentials({ clientId: "m", privateKey, algorithm: "ES256" });
    expect((await failure(send(auth, world.mcpUrl))).code).toBe("client_auth_unsupported");
    Object.assign(world.as.metadata, {
      token_endpoint_auth_methods_supported: ["private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["RS256"],
    });
    expect((await failure(send(auth, world.mcpUrl))).code).toBe("client_auth_unsupported");
    expect(tokenRequests(world)).toEqual([]);
  });

  it.each([
    [{}, /"clientId"/],
    [{ clientId: "m" }, /clientSecret and privateKey/],
    [{ clientId: "m", clientSecret: "s", privateKey: "k" }, /clientSecret and privateKey/],
    [{ clientId: "m", privateKey: "k" }, /"algorithm"/],
    [{ clientId: "m", privateKey: "k", algorithm: "HS256" }, /"algorithm"/],
    [{ clientId: "m", clientSecret: "" }, /empty/],
    [{ clientId: "m", clientSecret: "s", interaction: {} }, /unknown option "interaction"/],
  ])("refuses the options %j", (options, message) => {
    expect(() => clientCredentials(options as never)).toThrow(message);
  });
});

describe("workload identity", () => {
  it("exchanges the platform's JWT for this resource, and shows no secret of its own", async () => {
    const world = await startWorld();
    const asked: unknown[] = [];
    const auth = workloadIdentity({
      assertion: (request) => {
        asked.push(request);
        return "platform-jwt";
      },
      audience: "token-endpoint",
      clientId: "workload",
    });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(asked).toEqual([{ audience: `${world.as.origin}/token`, resource: world.mcpUrl }]);
    expect(Object.fromEntries(tokenRequests(world)[0]?.form ?? [])).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: "platform-jwt",
      client_id: "workload",
      resource: world.mcpUrl,
    });
  });

  it("asks for the issuer as audience unless told otherwise, and sends no empty client id", async () => {
    const world = await startWorld();
    let audience = "";
    const auth = workloadIdentity({
      assertion: (request) => {
        audience = request.audience;
        return new Secret("platform-jwt");
      },
    });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(audience).toBe(world.as.origin);
    expect(tokenRequests(world)[0]?.form.has("client_id")).toBe(false);
  });

  it("does not send a refused JWT again, but the next one", async () => {
    const world = await startWorld();
    let jwt = "first-jwt";
    const logger = recordingLogger();
    const auth = workloadIdentity({ assertion: () => jwt, logger });
    const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    world.as.refuse(grant, "invalid_grant", { times: 1 });
    for (let request = 0; request < 2; request++) {
      const error = await failure(send(auth, world.mcpUrl));
      expect([error.code, error.oauthError]).toEqual(["token_refused", "invalid_grant"]);
      expect(error.message + logger.text()).not.toContain("jwt");
    }
    expect(tokenRequests(world)).toHaveLength(1);
    jwt = "second-jwt";
    expect(await send(auth, world.mcpUrl)).toBe(200);
  });

  it("says when the platform has no JWT", async () => {
    const world = await startWorld();
    const cause = new Error("no such file");
    const auth = workloadIdentity({ assertion: () => Promise.reject(cause) });
    const error = await failure(send(auth, world.mcpUrl));
    expect([error.code, error.cause]).toEqual(["assertion_missing", cause]);
  });

  it.each([
    [{}, /"assertion"/],
    [{ assertion: () => "x", audience: "client" }, /"audience"/],
  ])("refuses the options %j", (options, message) => {
    expect(() => workloadIdentity(options as never)).toThrow(message);
  });
});

describe("enterprise-managed authorization", () => {
  async function startProvider(world: World) {
    const idp = await startPeer();
    const { privateKey } = await generateKeyPair("ES256");
    idp.route("/.well-known/openid-configuration", () => ({
      body: {
        issuer: idp.origin,
        authorization_endpoint: `${idp.origin}/authorize`,
        token_endpoint: `${idp.origin}/exchange`,
        jwks_uri: `${idp.origin}/jwks`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      },
    }));
    const grant = await new SignJWT({ resource: world.mcpUrl })
      .setProtectedHeader({ alg: "ES256", typ: "oauth-id-jag+jwt" })
      .sign(privateKey);
    idp.route("/exchange", () => ({
      body: {
        access_token: grant,
        issued_token_type: "urn:ietf:params:oauth:token-type:id-jag",
        token_type: "N_A",
      },
    }));
    return { idp, grant };
  }

  it.each(["issuer", "tokenEndpoint"] as const)(
    "with the provider's %s: ID token to grant, grant to token",
    async (known) => {
      const world = await startWorld();
      const { idp, grant } = await startProvider(world);
      const auth = enterpriseManaged({
        identityProvider: {
          clientId: "at-idp",
          clientSecret: "idp-secret",
          ...(known === "issuer"
            ? { issuer: idp.origin }
            : { tokenEndpoint: `${idp.origin}/exchange` }),
        },
        idToken: async () => "id-token",
        clientId: "at-as",
        clientSecret: "as-secret",
        issuer: world.as.origin,
        scope: "a",
      });
      expect(await send(auth, world.mcpUrl)).toBe(200);
      const [exchange] = idp.received.filter(({ path }) => path === "/exchange");
      expect(Object.fromEntries(exchange?.form ?? [])).toEqual({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        requested_token_type: "urn:ietf:params:oauth:token-type:id-jag",
        subject_token: "id-token",
        subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
        audience: world.as.origin,
        resource: world.mcpUrl,
        client_id: "at-idp",
        client_secret: "idp-secret",
        scope: "a",
      });
      const [request] = tokenRequests(world);
      expect(Object.fromEntries(request?.form ?? [])).toEqual({
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: grant,
        resource: world.mcpUrl,
        scope: "a",
      });
      expect(request?.headers["authorization"]).toBe(`Basic ${btoa("at-as:as-secret")}`);
    },
  );

  it("says when the identity provider refuses, and shows neither token nor answer", async () => {
    const world = await startWorld();
    const { idp } = await startProvider(world);
    idp.route("/exchange", ({ text }) => ({
      status: 400,
      body: { error: "invalid_target", error_description: text },
    }));
    const auth = enterpriseManaged({
      identityProvider: { clientId: "at-idp", issuer: idp.origin },
      idToken: () => new Secret("the-id-token"),
      clientId: "at-as",
    });
    const error = await failure(send(auth, world.mcpUrl));
    expect([error.code, error.stage, error.oauthError]).toEqual([
      "token_refused",
      "identity_provider",
      "invalid_target",
    ]);
    expect(`${error.message} ${String(error.cause)}`).not.toContain("the-id-token");
    expect(tokenRequests(world)).toEqual([]);
  });

  it("does not trust metadata of another issuer", async () => {
    const world = await startWorld();
    const { idp } = await startProvider(world);
    const auth = enterpriseManaged({
      identityProvider: { clientId: "at-idp", issuer: `${idp.origin}/` },
      idToken: () => "id-token",
      clientId: "at-as",
    });
    const error = await failure(send(auth, world.mcpUrl));
    expect([error.code, error.stage]).toEqual(["issuer_mismatch", "identity_provider"]);
  });

  const provider = { clientId: "a", issuer: "https://idp.example" };
  const insecure = { ...provider, issuer: "http://idp.example" };
  const idToken = (): string => "x";
  const refused: [options: object, message: RegExp][] = [
    [{ identityProvider: provider, clientId: "c" }, /"idToken"/],
    [{ identityProvider: provider, idToken }, /"clientId"/],
    [{ identityProvider: { clientId: "a" }, idToken, clientId: "c" }, /tokenEndpoint/],
    [{ identityProvider: insecure, idToken, clientId: "c" }, /identityProvider.issuer/],
  ];
  it.each(refused)("refuses the options %j", (options, message) => {
    expect(() => enterpriseManaged(options as never)).toThrow(message);
  });
});
