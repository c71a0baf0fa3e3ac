import { createServer } from "node:http";
import Provider, { type Configuration } from "oidc-provider";
import { onTestFinished, vi } from "vitest";
import { listen, startPeer } from "./http-peer.test-support.ts";

/** A certified authorization server that no test scripts, and an MCP server that takes its tokens. */
export interface RealWorld {
  readonly issuer: string;
  readonly provider: Provider;
  readonly mcpUrl: string;
  /** Every token that the MCP server let in, with what it stands for. */
  readonly accepted: { readonly token: string; readonly scope: string; readonly scheme: string }[];
  /** How often the token endpoint was asked, by grant. */
  readonly grants: string[];
  /** The scope that the MCP server wants. */
  needed: string;
}

export async function startRealWorld(configuration: Configuration = {}): Promise<RealWorld> {
  // It warns of what is made for tests.
  for (const method of ["info", "warn"] as const) {
    const spy = vi.spyOn(console, method).mockImplementation(() => {});
    onTestFinished(() => spy.mockRestore());
  }
  const mcp = await startPeer();
  const mcpUrl = `${mcp.origin}/mcp`;
  const server = createServer();
  const issuer = await listen(server);
  const provider = new Provider(issuer, {
    ...configuration,
    scopes: ["openid", "offline_access", "read", "write"],
    pkce: { required: () => true },
    cookies: { keys: ["test"] },
    jwks: configuration.jwks,
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, Interaction: 600, Session: 600 },
    features: {
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => {
          if (resource !== mcpUrl) throw new Error(`unknown resource ${resource}`);
          return { scope: "read write", audience: resource, accessTokenFormat: "opaque" };
        },
        useGrantedResource: () => true,
      },
      ...configuration.features,
    },
  } as Configuration);
  server.on("request", provider.callback());

  const world: RealWorld = { issuer, provider, mcpUrl, accepted: [], grants: [], needed: "read" };
  provider.on("grant.success", ({ oidc }) => {
    world.grants.push(String(oidc.params?.["grant_type"]));
  });
  const metadata = `${mcp.origin}/.well-known/oauth-protected-resource/mcp`;
  mcp.route("/.well-known/oauth-protected-resource/mcp", () => ({
    body: { resource: mcpUrl, authorization_servers: [issuer] },
  }));
  mcp.route("/mcp", async ({ headers }) => {
    const [scheme = "", token = ""] = String(headers["authorization"] ?? "").split(" ");
    const found =
      (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
    const audience = [found?.aud ?? []].flat();
    const scope = found?.scope ?? "";
    if (found === undefined || found.isExpired || !audience.includes(mcpUrl)) {
      const challenge = `Bearer resource_metadata="${metadata}", scope="${world.needed}"`;
      return { status: 401, headers: { "www-authenticate": challenge } };
    }
    if (!world.needed.split(" ").every((one) => scope.split(" ").includes(one))) {
      const challenge = `Bearer error="insufficient_scope", scope="${world.needed}"`;
      return { status: 403, headers: { "www-authenticate": challenge } };
    }
    world.accepted.push({ token, scope, scheme });
    return { body: { ok: true } };
  });
  return world;
}

/**
 * A browser with a user in front who signs in and agrees: it keeps cookies, follows redirects and sends
 * the forms that the provider shows.
 *
 * @returns where it ended: the first page without a form, or the first place on the internet.
 */
export async function browse(start: string): Promise<URL> {
  // Each origin on this machine would get the cookies of the others: browsers ignore the port too.
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step++) {
    if (url.startsWith("https:")) return new URL(url);
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form !== undefined && { method: "POST", body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const page = await response.text();
    const location = response.headers.get("location");
    if (location !== null) {
      url = new URL(location, url).href;
      form = undefined;
      continue;
    }
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    if (action === undefined) return new URL(url);
    url = new URL(action, url).href;
    form = page.includes('value="consent"')
      ? new URLSearchParams({ prompt: "consent" })
      : new URLSearchParams({ prompt: "login", login: "alice", password: "any" });
  }
  throw new Error("The browser went in circles");
}
