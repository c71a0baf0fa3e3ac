import { type AuthenticationOutcome, createKeyRing, sha256 } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { startPeer } from "./client/harness/http-peer.test-support.ts";
import { requestOf } from "./harness/requests.test-support.ts";
import {
  AUDIENCE,
  bearer,
  createSigner,
  ISSUER,
  SECRET,
  type Signer,
  verdict,
} from "./harness/tokens.test-support.ts";
import { IntrospectionAuth } from "./introspection.ts";
import { JWTAuth } from "./jwt.ts";
import { OAuthResourceServer } from "./oauth-resource-server.ts";
import type { OAuthResourceServerOptions } from "./resource-server-options.ts";

const METADATA = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
const signer = await createSigner();

function jwt(issuer = ISSUER, by: Signer = signer): JWTAuth {
  return new JWTAuth({ issuer, audience: AUDIENCE, algorithms: ["ES256"], publicKey: by.jwk });
}

function make(options: Partial<OAuthResourceServerOptions> = {}): OAuthResourceServer {
  return new OAuthResourceServer({
    publicUrl: AUDIENCE,
    authorizationServers: [jwt()],
    ...options,
  });
}

function metadataOf(server: OAuthResourceServer, scopes: readonly string[] = []): unknown {
  const [document] = server.documents.values();
  return JSON.parse(document?.body({ scopes: () => scopes }) ?? "");
}

function challengeOf(outcome: AuthenticationOutcome): string | undefined {
  return "failure" in outcome ? outcome.failure.headers["WWW-Authenticate"] : undefined;
}

describe("the metadata", () => {
  it("is published at the root and at the path", () => {
    const server = make();
    const root = "/.well-known/oauth-protected-resource";
    expect([...server.documents.keys()]).toEqual([root, `${root}/mcp`]);
    expect(metadataOf(server)).toEqual({
      resource: AUDIENCE,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ["header"],
    });
  });

  it("names scopes from where they are declared, without those that are not this server's", () => {
    const server = make({ requiredScopes: ["mcp"] });
    expect(metadataOf(server, ["offline_access", "read", "mcp"])).toMatchObject({
      scopes_supported: ["mcp", "read"],
    });
    expect(metadataOf(make({ scopesSupported: ["a"] }), ["b"])).toMatchObject({
      scopes_supported: ["a"],
    });
  });

  it("names every authorization server, what it is and what is asked", () => {
    const server = make({
      publicUrl: "https://mcp.example",
      authorizationServers: [
        { issuer: "https://a.example", algorithms: ["ES256"], jwksUrl: "https://a.example/keys" },
        { issuer: "https://b.example/tenant", algorithms: ["RS256"] },
      ],
      resourceName: "Weather",
      resourceDocumentation: "https://mcp.example/docs",
      dpop: { required: true, algorithms: ["ES256"] },
    });
    expect([...server.documents.keys()]).toEqual(["/.well-known/oauth-protected-resource"]);
    expect(metadataOf(server)).toEqual({
      resource: "https://mcp.example",
      authorization_servers: ["https://a.example", "https://b.example/tenant"],
      bearer_methods_supported: ["header"],
      resource_name: "Weather",
      resource_documentation: "https://mcp.example/docs",
      dpop_signing_alg_values_supported: ["ES256"],
      dpop_bound_access_tokens_required: true,
    });
  });
});

describe("challenges", () => {
  it.each<[string, string | undefined, number, string]>([
    ["no token", undefined, 401, `Bearer scope="mcp", resource_metadata="${METADATA}"`],
    [
      "a bad token",
      "Bearer a.b.c",
      401,
      `Bearer scope="mcp", resource_metadata="${METADATA}", error="invalid_token"`,
    ],
    [
      "no form of a token",
      "Bearer a b",
      400,
      `Bearer scope="mcp", resource_metadata="${METADATA}", error="invalid_request"`,
    ],
  ])("for %s", async (_name, authorization, status, challenge) => {
    const server = make({ requiredScopes: ["mcp"] });
    const headers = authorization === undefined ? {} : { authorization };
    const outcome = await server.authenticate(requestOf(headers));
    expect(outcome).toMatchObject({ failure: { status } });
    expect(challengeOf(outcome)).toBe(challenge);
  });

  it("name all scopes at once when a token lacks some", async () => {
    const server = make({ requiredScopes: ["mcp", "read"] });
    const outcome = await bearer(server, await signer.sign({ scope: "read" }));
    expect(outcome).toMatchObject({ failure: { status: 403, stage: "scope" } });
    expect(challengeOf(outcome)).toBe(
      `Bearer scope="mcp read", resource_metadata="${METADATA}", error="insufficient_scope"`,
    );
    const failure = server.stepUp(["write", "offline_access"]);
    expect(failure.headers["WWW-Authenticate"]).toBe(
      `Bearer scope="mcp read write", resource_metadata="${METADATA}", error="insufficient_scope"`,
    );
  });

  it("honour scopes that include others", async () => {
    const scopeHierarchy = { admin: ["write"], write: ["mcp", "write"] };
    const server = make({ requiredScopes: ["mcp"], scopeHierarchy });
    expect(verdict(await bearer(server, await signer.sign({ scope: "admin" })))).toBe("ada");
    expect(verdict(await bearer(server, await signer.sign({ scope: "Admin" })))).toBe(
      "refused: scope",
    );
  });
});

describe("several authorization servers", () => {
  it("check their own tokens only", async () => {
    const other = await createSigner("ES256", "key-1");
    const server = make({
      authorizationServers: [jwt(), jwt("https://other.example", other)],
    });
    expect(verdict(await bearer(server, await signer.sign()))).toBe("ada");
    const theirs = { iss: "https://other.example", sub: "bob" };
    expect(verdict(await bearer(server, await other.sign(theirs)))).toBe("bob");
    // A key of one cannot sign for the other.
    expect(verdict(await bearer(server, await signer.sign(theirs)))).toBe("refused: signature");
    const unknown = await signer.sign({ iss: "https://third.example" });
    expect(verdict(await bearer(server, unknown))).toBe("refused: issuer");
  });

  it("are asked in turn about a token that only one of them can read", async () => {
    const peer = await startPeer();
    peer.route("/introspect", ({ form }) => ({
      body: { active: form.get("token") === "opaque", aud: AUDIENCE, sub: "eve", exp: 4e9 },
    }));
    const introspection = new IntrospectionAuth({
      introspectionUrl: `${peer.origin}/introspect`,
      clientId: "a",
      clientSecret: "b",
      issuer: "https://opaque.example",
      audience: AUDIENCE,
    });
    const server = make({ authorizationServers: [jwt(), introspection] });
    expect(verdict(await bearer(server, "opaque"))).toBe("eve");
    expect(verdict(await bearer(server, "other"))).toBe("refused: format");
    peer.route("/introspect", () => ({ status: 500 }));
    expect(verdict(await bearer(server, "third"))).toBe("refused: introspection");
  });
});

describe("a token for another server", () => {
  it.each([["https://mcp.example/other"], ["https://mcp.example"], ["https://mcp.example/mcp/"]])(
    "such as %s is refused",
    async (aud) => {
      expect(verdict(await bearer(make(), await signer.sign({ aud })))).toBe("refused: audience");
    },
  );

  it("is refused in spite of the slash behind a bare host", async () => {
    const server = make({
      publicUrl: "https://mcp.example/",
      authorizationServers: [
        new JWTAuth({
          issuer: ISSUER,
          audience: ["https://mcp.example", "https://mcp.example/"],
          algorithms: ["ES256"],
          publicKey: signer.jwk,
        }),
      ],
    });
    for (const aud of ["https://mcp.example", "https://mcp.example/"]) {
      expect(verdict(await bearer(server, await signer.sign({ aud })))).toBe("ada");
    }
    expect(verdict(await bearer(server, await signer.sign()))).toBe("refused: audience");
  });
});

const holder = await holderKey();

async function holderKey() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk, "sha256") };
}

describe("DPoP", () => {
  const clock = createFakeClock(Date.now());
  let serial = 0;

  async function proof(
    token: string,
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    by = holder,
  ): Promise<string> {
    const all = {
      htm: "POST",
      htu: AUDIENCE,
      ath: sha256(token),
      iat: Math.floor(clock.now() / 1_000),
      jti: `proof-${++serial}`,
      ...claims,
    };
    return new SignJWT(all)
      .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: by.jwk, ...header } as never)
      .sign(by.privateKey);
  }

  async function ask(
    server: OAuthResourceServer,
    token: string,
    dpop: string | undefined,
    scheme = "DPoP",
  ): Promise<AuthenticationOutcome> {
    const headers = { authorization: `${scheme} ${token}`, ...(dpop !== undefined && { dpop }) };
    return server.authenticate(requestOf(headers));
  }

  const bound = (): Promise<string> => signer.sign({ cnf: { jkt: holder.jkt } });
  const taking = (dpop: OAuthResourceServerOptions["dpop"] = true) => make({ dpop, clock });

  it("takes a bound token with its proof, each proof once", async () => {
    const server = taking();
    const token = await bound();
    const first = await proof(token);
    expect(verdict(await ask(server, token, first))).toBe("ada");
    expect(verdict(await ask(server, token, first))).toBe("refused: replay");
    expect(verdict(await ask(server, token, await proof(token)))).toBe("ada");
    const withQuery = await proof(token, { htu: `${AUDIENCE.replace("mcp.", "MCP.")}?x#y` });
    expect(verdict(await ask(server, token, withQuery))).toBe("ada");
  });

  it("takes plain tokens beside bound ones, unless it asks for bound ones", async () => {
    const token = await signer.sign();
    expect(verdict(await ask(taking(), token, undefined, "Bearer"))).toBe("ada");
    const outcome = await ask(taking({ required: true }), token, undefined, "Bearer");
    expect(verdict(outcome)).toBe("refused: binding");
    expect(challengeOf(outcome)).toMatch(
      /^DPoP resource_metadata="[^"]+", error="invalid_token", algs="ES256 /,
    );
  });

  it.each<[string, string, (token: string) => Promise<string | undefined>]>([
    ["no proof", "proof", async () => undefined],
    ["no form of a proof", "proof", async () => "a b"],
    ["two proofs", "proof", async (token) => `${await proof(token)}, ${await proof(token)}`],
    ["an endless proof", "proof", async () => "a".repeat(9_000)],
    ["another method", "proof", (token) => proof(token, { htm: "GET" })],
    ["the method in lower case", "proof", (token) => proof(token, { htm: "post" })],
    ["another URL", "proof", (token) => proof(token, { htu: "https://mcp.example/other" })],
    ["another host", "proof", (token) => proof(token, { htu: "https://evil.example/mcp" })],
    ["no URL", "proof", (token) => proof(token, { htu: undefined })],
    ["another token", "binding", (token) => proof(`${token}x`)],
    ["no token", "binding", (token) => proof(token, { ath: undefined })],
    [
      "an old proof",
      "expiry",
      (token) => proof(token, { iat: Math.floor(clock.now() / 1_000) - 301 }),
    ],
    [
      "a proof to come",
      "expiry",
      (token) => proof(token, { iat: Math.floor(clock.now() / 1_000) + 302 }),
    ],
    ["a proof without age", "expiry", (token) => proof(token, { iat: undefined })],
    ["a proof without id", "proof", (token) => proof(token, { jti: undefined })],
    ["an endless id", "proof", (token) => proof(token, { jti: "x".repeat(300) })],
    ["another type", "proof", (token) => proof(token, {}, { typ: "JWT" })],
    ["no key", "proof", (token) => proof(token, {}, { jwk: undefined })],
    ["another key", "binding", async (token) => proof(token, {}, {}, await holderKey())],
    [
      "the key of another",
      "proof",
      async (token) => proof(token, {}, { jwk: (await holderKey()).jwk }),
    ],
    ["a shared secret", "proof", () => symmetric()],
  ])("refuses %s", async (_name, stage, make) => {
    const token = await bound();
    const outcome = await ask(taking(), token, await make(token));
    expect(verdict(outcome)).toBe(`refused: ${stage}`);
    expect(challengeOf(outcome)).toMatch(
      /^DPoP .*error="invalid_dpop_proof".*, Bearer resource_metadata="[^"]+"$/,
    );
  });

  function symmetric(): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "dpop+jwt", jwk: { kty: "oct", k: "x" } } as never)
      .sign(new TextEncoder().encode(SECRET));
  }

  it("refuses a stolen bound token, and an unbound one that pretends", async () => {
    const token = await bound();
    expect(verdict(await ask(taking(), token, undefined, "Bearer"))).toBe("refused: binding");
    expect(verdict(await ask(make(), token, await proof(token)))).toBe("refused: binding");
    const plain = await signer.sign();
    expect(verdict(await ask(taking(), plain, await proof(plain)))).toBe("refused: binding");
  });

  it("gives a nonce, which any replica with its keys takes until its time is over", async () => {
    const keyRing = createKeyRing([{ id: "one", secret: new Uint8Array(32).fill(7) }]);
    const [server, replica] = [0, 1].map(() => taking({ nonce: { keyRing, lifeMs: 10_000 } })) as [
      OAuthResourceServer,
      OAuthResourceServer,
    ];
    expect(server.notices).toEqual([]);
    expect(taking({ nonce: true }).notices).toHaveLength(1);
    const token = await bound();
    const asked = await ask(server, token, await proof(token));
    expect(asked).toMatchObject({ failure: { status: 401, stage: "nonce" } });
    expect(challengeOf(asked)).toMatch(/^DPoP .*error="use_dpop_nonce"/);
    const nonce = "failure" in asked ? (asked.failure.headers["DPoP-Nonce"] as string) : "";
    expect(verdict(await ask(replica, token, await proof(token, { nonce })))).toBe("ada");
    for (const forged of [nonce.replace(/^./, "z"), `${nonce}x`, nonce.slice(0, -2), "x", 5]) {
      const dpop = await proof(token, { nonce: forged });
      expect(verdict(await ask(server, token, dpop))).toBe("refused: nonce");
    }
    const elsewhere = taking({ nonce: true });
    expect(verdict(await ask(elsewhere, token, await proof(token, { nonce })))).toBe(
      "refused: nonce",
    );
    clock.advance(10_000);
    expect(verdict(await ask(server, token, await proof(token, { nonce })))).toBe("refused: nonce");
  });

  it("remembers proofs within a bound", async () => {
    const server = taking({ maxRemembered: 2 });
    const token = await bound();
    const proofs = await Promise.all([1, 2, 3].map(() => proof(token)));
    for (const each of proofs) expect(verdict(await ask(server, token, each))).toBe("ada");
    expect(verdict(await ask(server, token, proofs[2]))).toBe("refused: replay");
  });
});

describe("construction refuses", () => {
  it.each<[string, Partial<OAuthResourceServerOptions>, RegExp]>([
    ["http", { publicUrl: "http://mcp.example/mcp" }, /"publicUrl" must be an https/],
    ["a query", { publicUrl: `${AUDIENCE}?x=1` }, /"publicUrl" must have no query/],
    ["nobody who issues", { authorizationServers: [] }, /at least one/],
    [
      "a verifier for another server",
      { publicUrl: "https://other.example/mcp" },
      /not for "https:\/\/other/,
    ],
    [
      "an issuer by http",
      { authorizationServers: [{ issuer: "http://as.example", algorithms: ["ES256"] }] },
      /https/,
    ],
    [
      "no algorithms",
      { authorizationServers: [{ issuer: ISSUER } as never] },
      /"algorithms" is required/,
    ],
    [
      "a shared secret",
      { authorizationServers: [{ issuer: ISSUER, algorithms: ["HS256"] }] },
      /secretKey/,
    ],
    ["an empty list of scopes", { requiredScopes: [] }, /"requiredScopes" is an empty/],
    [
      "a hierarchy of nothing",
      { scopeHierarchy: { admin: [] } },
      /"scopeHierarchy.admin" is an empty/,
    ],
    ["a symmetric proof", { dpop: { algorithms: ["HS256"] } }, /dpop.algorithms/],
    ["a misspelt part", { dpop: { nonces: true } as never }, /unknown option "nonces"/],
  ])("%s", (_name, options, message) => {
    expect(() => make(options)).toThrow(message);
  });
});

describe("the way a token came, as a trusted proxy says it", () => {
  const ask = async (forwardedOrigin: string | undefined, headers: Record<string, string>) =>
    make().authenticate(requestOf(headers, { forwardedOrigin }));

  it.each([
    ["nobody says", undefined, "ada"],
    ["the public URL", "https://mcp.example", "ada"],
    ["http, where others read it", "http://mcp.example", "refused: origin"],
    ["another host", "https://other.example", "refused: origin"],
  ])("%s", async (_name, forwardedOrigin, expected) => {
    const headers = { authorization: `Bearer ${await signer.sign()}` };
    expect(verdict(await ask(forwardedOrigin, headers))).toBe(expected);
  });

  it("does not matter to who has none yet, and learns the way", async () => {
    const outcome = await ask("http://mcp.example", {});
    expect(challengeOf(outcome)).toBe(`Bearer resource_metadata="${METADATA}"`);
  });
});
