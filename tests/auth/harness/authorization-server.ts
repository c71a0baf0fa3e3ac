import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type Configuration } from "oidc-provider";
import { afterAll, vi } from "vitest";

/** A certified authorization server on this machine, whose access tokens are JSON Web Tokens. */
export interface AuthorizationServer {
  readonly issuer: string;
  /** What was asked for and granted, in this order. */
  readonly seen: readonly Seen[];
  /** A token of the client credentials grant for a resource. */
  token(resource: string, scope?: string): Promise<string>;
}

/** A public client that was registered by hand. */
export const APP = { id: "app", redirectUrl: "https://app.example/callback" } as const;

/** A request of a client, at the authorization endpoint or at the token endpoint. */
export interface Seen {
  /** The grant, or `authorize`. */
  readonly step: string;
  readonly resource: unknown;
  readonly scope: unknown;
  readonly challengeMethod: unknown;
}

/** Runs for the tests of one file. */
export async function startAuthorizationServer(): Promise<AuthorizationServer> {
  // It warns of what is made for tests.
  for (const method of ["info", "warn"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "machine",
        client_secret: "the-secret-of-machine",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: APP.id,
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [APP.redirectUrl],
        response_types: ["code"],
      },
    ],
    scopes: ["read", "write", "offline_access"],
    pkce: { required: () => true },
    cookies: { keys: ["test"] },
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, Interaction: 600, Session: 600 },
    features: {
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: "read write",
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  } satisfies Configuration);
  server.on("request", provider.callback());
  const seen: Seen[] = [];
  const record = (step: string, params: Readonly<Record<string, unknown>> = {}): void => {
    const { resource, scope, code_challenge_method: challengeMethod } = params;
    seen.push({ step, resource, scope, challengeMethod });
  };
  provider.on("authorization.success", ({ oidc }) => record("authorize", oidc.params));
  provider.on("grant.success", ({ oidc }) => record(String(oidc.params?.grant_type), oidc.params));
  return {
    issuer,
    seen,
    async token(resource, scope = "read") {
      const response = await fetch(`${issuer}/token`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa("machine:the-secret-of-machine")}` },
        body: new URLSearchParams({ grant_type: "client_credentials", resource, scope }),
      });
      const answer = (await response.json()) as { access_token?: string };
      if (answer.access_token === undefined) throw new Error(JSON.stringify(answer));
      return answer.access_token;
    },
  };
}
