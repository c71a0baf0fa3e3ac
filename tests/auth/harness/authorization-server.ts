import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type Configuration } from "oidc-provider";
import { afterAll, vi } from "vitest";

/** A certified authorization server on this machine, whose access tokens are JSON Web Tokens. */
export interface AuthorizationServer {
  readonly issuer: string;
  /** A token of the client credentials grant for a resource. */
  token(resource: string, scope?: string): Promise<string>;
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
    ],
    scopes: ["read", "write", "offline_access"],
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
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
  return {
    issuer,
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
