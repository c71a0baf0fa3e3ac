import { inspect } from "node:util";
import {
  APIKeyAuth,
  anyOf,
  IntrospectionAuth,
  JWTAuth,
  OAuthResourceServer,
} from "@backplane/auth";
import {
  bearerToken,
  clientCredentials,
  createMemoryTokenStore,
  enterpriseManaged,
  oauth,
  workloadIdentity,
} from "@backplane/auth/client";
import { MCPCache } from "@backplane/cache";
import { MCPClient, MCPConnectionPool } from "@backplane/client";
import { createKeyRing, redact, Secret } from "@backplane/protocol";
import { MCPServer } from "@backplane/server";
import { exportPKCS8, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { credentialMembers } from "./harness/source-scan.ts";

const SECRET = "a-credential-of-the-tests-0123456789-abcdef";
const issuer = "https://as.example";
const introspection = {
  introspectionUrl: `${issuer}/introspect`,
  issuer,
  audience: "https://mcp.example/mcp",
  clientId: "server",
};
const identityProvider = { issuer: "https://idp.example", clientId: "enterprise" };
const tokens = { kind: "tokens", issuer, clientId: "c", resource: "r", account: "" } as const;

/** Something that was given {@link SECRET}, and the members of the sources by which it came in. */
interface Holder {
  readonly covers: readonly string[];
  readonly make: (secret: string) => unknown;
}

const holders: Readonly<Record<string, Holder>> = {
  "API keys": {
    covers: ["auth/src/api-key.ts apiKeys"],
    make: (key) => new APIKeyAuth({ apiKeys: { a: key, b: { key: new Secret(`${key}x`) } } }),
  },
  "the secret of tokens": {
    covers: ["auth/src/jwt-keys.ts secretKey"],
    make: (secretKey) => new JWTAuth({ issuer, audience: "x", algorithms: ["HS256"], secretKey }),
  },
  "the secret of introspection": {
    covers: ["auth/src/introspection-options.ts clientSecret"],
    make: (clientSecret) => [
      new IntrospectionAuth({ ...introspection, clientSecret }),
      new IntrospectionAuth({ ...introspection, clientSecret: new Secret(clientSecret) }),
    ],
  },
  "several authenticators and a server": {
    covers: [],
    make(secret) {
      const keys = new APIKeyAuth({ apiKeys: { a: secret }, headerName: "Authorization" });
      const tokensOf = new IntrospectionAuth({ ...introspection, clientSecret: secret });
      const oauthServer = new OAuthResourceServer({
        publicUrl: "https://mcp.example/mcp",
        authorizationServers: [tokensOf],
      });
      const auth = anyOf([keys, oauthServer]);
      return [auth, new MCPServer({ name: "x", version: "1", auth })];
    },
  },
  "the ring that seals requestState": {
    covers: ["protocol/src/seams/key-ring.ts secret"],
    make(text) {
      const secret = new TextEncoder().encode(text.slice(0, 32));
      const keyRing = createKeyRing([{ id: "k", secret }]);
      return [keyRing, new MCPServer({ name: "x", version: "1", keyRing })];
    },
  },
  "a bearer token": {
    covers: [],
    make: (token) => [bearerToken(token), bearerToken(new Secret(token))],
  },
  "a client's secret": {
    covers: [
      "auth/src/client/oauth.ts clientSecret",
      "auth/src/client/client-authentication.ts clientSecret",
    ],
    make: (clientSecret) => [
      oauth({ clientId: "c", clientSecret, issuer }),
      clientCredentials({ clientId: "c", clientSecret, issuer }),
      clientCredentials({ clientId: "c", clientSecret: new Secret(clientSecret), issuer }),
    ],
  },
  "a secret at the identity provider": {
    covers: ["auth/src/client/enterprise-managed.ts clientSecret"],
    make: (clientSecret) =>
      enterpriseManaged({
        idToken: () => clientSecret,
        clientId: "c",
        clientSecret,
        issuer,
        identityProvider: { ...identityProvider, clientSecret },
      }),
  },
  "a workload's token": {
    covers: ["auth/src/client/workload-identity.ts jwt"],
    make: (jwt) => workloadIdentity({ assertion: () => jwt, clientId: "c", issuer }),
  },
  "tokens that are kept": {
    covers: [
      "auth/src/client/flow.ts tokens",
      "auth/src/client/token-store.ts accessToken",
      "auth/src/client/token-store.ts refreshToken",
      "auth/src/client/token-store.ts clientSecret",
    ],
    make(secret) {
      const store = createMemoryTokenStore();
      const record = { accessToken: secret, refreshToken: secret, obtainedAtMs: 0 };
      void store.set(tokens, { ...record, tokenType: "Bearer" }, undefined);
      const client = { clientId: "c", clientSecret: secret, redirectUrl: "http://127.0.0.1/" };
      void store.set({ kind: "client", issuer }, client, undefined);
      return [store, oauth({ clientId: "c", store })];
    },
  },
  "a cache in Redis": {
    covers: ["cache/src/mcp-cache-options.ts password", "cache/src/redis/connection.ts password"],
    make: (password) => new MCPCache({ backend: "redis", host: "127.0.0.1", port: 1, password }),
  },
  "clients with headers and tokens": {
    covers: [],
    make(secret) {
      const options = {
        url: "https://mcp.example/mcp",
        headers: { "X-API-Key": secret },
        auth: bearerToken(secret),
      };
      return [new MCPClient(options), new MCPConnectionPool(options)];
    },
  },
};

/** Members that are named like credentials and hold none, or hold one for the time of a call. */
const harmless: Readonly<Record<string, string>> = {
  "auth/src/client/client-key-pair.ts privateKey": "shown below: a key needs its own form",
  "auth/src/internal/authorization-header.ts token": "what a request carries, while it is read",
  "client/src/internal/sdk-shapes.ts resumptionToken": "the id of an event",
  "monitoring/src/dashboard/routes.ts csrfToken": "stands in the page, and opens nothing by itself",
  "monitoring/src/dashboard/sign-ins.ts csrfToken":
    "stands in the page, and opens nothing by itself",
  "monitoring/src/metrics/stats.ts refusedCredentials": "how many there were, by the check",
  "server/src/internal/sdk-shapes.ts token": "the shape of the official SDK's AuthInfo, not held",
};

/** As a handler, a logger, an error report or a curious developer would print it. */
function* prints(value: unknown): Generator<readonly [string, string]> {
  const all = { depth: 12, showHidden: true, getters: true, maxStringLength: null } as const;
  yield ["inspect", inspect(value, all)];
  yield ["inspect inside", inspect({ options: [value] }, all)];
  yield ["redact", JSON.stringify(redact({ value }))];
  yield ["String", `${String(value)} ${Object.values(value as object).map(String)}`];
  try {
    yield ["JSON", JSON.stringify({ value })];
  } catch {
    // Circular: nothing was printed.
  }
  try {
    structuredClone(value);
  } catch (error) {
    yield ["clone", String(error)];
  }
}

function expectHidden(value: unknown, ...secrets: readonly string[]): void {
  for (const [how, text] of prints(value)) {
    for (const secret of secrets) {
      expect(text, how).not.toContain(secret);
      expect(text, how).not.toContain(btoa(secret).slice(0, 30));
      expect(text, how).not.toContain(
        [...new TextEncoder().encode(secret)].slice(0, 12).join(", "),
      );
    }
  }
}

describe("places that a credential passes", () => {
  it("are all known: a member that is named like one has a row", () => {
    const rows = [
      ...Object.values(holders).flatMap(({ covers }) => covers),
      ...Object.keys(harmless),
    ];
    expect(
      credentialMembers().filter((member) => !rows.includes(member)),
      "members without a row: prove in `holders` that they print nothing, or say in `harmless` why not",
    ).toEqual([]);
    expect(
      rows.filter((member) => !credentialMembers().includes(member)),
      "rows without a member",
    ).toEqual([]);
  });

  it.each(Object.keys(holders))("%s print nothing of it", (name) => {
    const made = holders[name]?.make(SECRET);
    for (const each of [made].flat()) expectHidden(each, SECRET);
  });

  it("a private key prints nothing of itself", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const pem = await exportPKCS8(privateKey);
    const body = pem.split("\n").slice(1, 3).join("\n");
    for (const key of [pem, new Secret(pem), privateKey]) {
      const options = { clientId: "c", privateKey: key, algorithm: "ES256", issuer };
      expectHidden(clientCredentials(options), body);
    }
  });

  it.each<[string, (secret: string) => unknown]>([
    ["a bearer token with a blank", (secret) => bearerToken(`${secret} x`)],
    ["an API key with a blank", (key) => new APIKeyAuth({ apiKeys: { a: `${key} x` } })],
    ["one API key twice", (key) => new APIKeyAuth({ apiKeys: { a: key, b: key } })],
    ["a digest that is none", (digest) => new APIKeyAuth({ apiKeys: { a: { digest } } })],
    [
      "a secret that is too short",
      (secret) => new JWTAuth({ issuer, audience: "x", algorithms: ["HS512"], secretKey: secret }),
    ],
    [
      "a public key that is a secret",
      (publicKey) => new JWTAuth({ issuer, audience: "x", algorithms: ["RS256"], publicKey }),
    ],
    [
      "an address with credentials in it",
      (secret) => new MCPClient({ url: `https://user:${secret}@mcp.example/mcp` }),
    ],
    [
      "a key set's address with credentials in it",
      (secret) =>
        new JWTAuth({
          issuer,
          audience: "x",
          algorithms: ["RS256"],
          jwksUrl: `https://user:${secret}@as.example/keys`,
        }),
    ],
    [
      "a key set's address with a password alone",
      (secret) =>
        new JWTAuth({
          issuer,
          audience: "x",
          algorithms: ["RS256"],
          jwksUrl: `https://:${secret}@as.example/keys`,
        }),
    ],
    [
      "the origins of a token with credentials in them",
      (secret) => bearerToken("token", { origins: [`https://user:${secret}@mcp.example`] }),
    ],
    [
      "the address of a client's document with credentials in it",
      (secret) => oauth({ clientMetadataUrl: `https://user:${secret}@client.example/c` }),
    ],
    [
      "a server's own address with credentials in it",
      (secret) =>
        new OAuthResourceServer({
          publicUrl: `https://user:${secret}@mcp.example/mcp`,
          authorizationServers: [{ issuer, algorithms: ["ES256"] }],
        }),
    ],
    [
      "a ring's secret of another length",
      (text) => createKeyRing([{ id: "k", secret: new TextEncoder().encode(text) }]),
    ],
  ])("%s is refused without being shown", (_name, make) => {
    let error: unknown;
    try {
      make(SECRET);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    expectHidden(error, SECRET);
  });
});
