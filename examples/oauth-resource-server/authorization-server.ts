import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

/** A certified authorization server, as a company runs one; this one forgets everything when it ends. */
export interface AuthorizationServer {
  readonly issuer: string;
  /** A token of the night job for any resource. */
  token(resource: string): Promise<string>;
  close(): void;
}

export async function startAuthorizationServer(): Promise<AuthorizationServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "night-job",
        client_secret: "night-secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    scopes: ["notes:read", "notes:write"],
    pkce: { required: () => true },
    cookies: { keys: ["an example"] },
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, Interaction: 600, Session: 600 },
    features: {
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: "notes:read notes:write",
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  server.on("request", provider.callback());
  return {
    issuer,
    async token(resource) {
      const response = await fetch(`${issuer}/token`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa("night-job:night-secret")}` },
        body: new URLSearchParams({
          grant_type: "client_credentials",
          scope: "notes:read",
          resource,
        }),
      });
      return ((await response.json()) as { access_token: string }).access_token;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A browser with a user in front, who signs in and agrees to everything. */
export async function signIn(link: string): Promise<void> {
  const cookies = new Map<string, string>();
  let url = link;
  let form: URLSearchParams | undefined;
  for (;;) {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form !== undefined && { method: "POST", body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const page = await response.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    const next = response.headers.get("location") ?? action;
    if (next === null || next === undefined) return;
    url = new URL(next, url).href;
    const prompt = page.includes('value="consent"') ? "consent" : "login";
    form =
      action === undefined
        ? undefined
        : new URLSearchParams({ prompt, login: "alice", password: "any" });
  }
}
