import { createHash } from "node:crypto";
import { type HttpPeer, type Received, type Reply, startPeer } from "./http-peer.test-support.ts";

/** What an issued access token stands for. */
export interface Issued {
  readonly scope: string;
  readonly resource: string | null;
  readonly clientId: string;
}

/**
 * A small authorization server that does what a test tells it, lies included: authorization code with
 * PKCE, rotating refresh tokens, client credentials, JWT bearer, dynamic registration.
 */
export interface ScriptedServer extends HttpPeer {
  /** Members of the metadata that replace the usual ones; undefined takes one away. */
  readonly metadata: Record<string, unknown>;
  /** Parameters of the redirect that replace the usual ones; undefined takes one away. */
  readonly redirect: Record<string, string | undefined>;
  /** Members of token responses that replace the usual ones; undefined takes one away. */
  readonly tokenResponse: Record<string, unknown>;
  readonly issued: Map<string, Issued>;
  /** The next requests of this grant fail with this error, `times` of them; by default all. */
  refuse(grantType: string, error: string, options?: { status?: number; times?: number }): void;
  /** The scopes that users were asked for, in order. */
  readonly asked: (string | null)[];
}

interface Code {
  readonly challenge: string | null;
  readonly redirectUri: string | null;
  readonly clientId: string;
  readonly scope: string;
  readonly resource: string | null;
}

/** Over all servers, so that a credential of one is never by chance one of another. */
let serial = 0;

export async function startAuthorizationServer(): Promise<ScriptedServer> {
  const peer = await startPeer();
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, Issued>();
  const refusals = new Map<string, { error: string; status: number; left: number }>();
  const server: ScriptedServer = {
    ...peer,
    metadata: {},
    redirect: {},
    tokenResponse: {},
    issued: new Map(),
    asked: [],
    refuse(grantType, error, { status = 400, times = Number.POSITIVE_INFINITY } = {}) {
      refusals.set(grantType, { error, status, left: times });
    },
  };
  const issue = (grant: Issued): Reply => {
    serial++;
    const [accessToken, refreshToken] = [`access-${serial}`, `refresh-${serial}`];
    server.issued.set(accessToken, grant);
    refreshTokens.set(refreshToken, grant);
    return {
      body: without({
        access_token: accessToken,
        refresh_token: refreshToken,
        token_type: "Bearer",
        expires_in: 3600,
        scope: grant.scope === "" ? undefined : grant.scope,
        ...server.tokenResponse,
      }),
    };
  };

  peer.route("/.well-known/oauth-authorization-server", () => ({
    body: without({
      issuer: peer.origin,
      authorization_endpoint: `${peer.origin}/authorize`,
      token_endpoint: `${peer.origin}/token`,
      registration_endpoint: `${peer.origin}/register`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
      ...server.metadata,
    }),
  }));

  peer.route("/register", ({ text }) => ({
    status: 201,
    body: { ...(JSON.parse(text) as object), client_id: `client-${++serial}` },
  }));

  peer.route("/authorize", ({ query }) => {
    server.asked.push(query.get("scope"));
    const code = `code-${++serial}`;
    codes.set(code, {
      challenge: query.get("code_challenge"),
      redirectUri: query.get("redirect_uri"),
      clientId: query.get("client_id") ?? "",
      scope: query.get("scope") ?? "",
      resource: query.get("resource"),
    });
    const back = new URL(query.get("redirect_uri") ?? "");
    const usual = { code, state: query.get("state") ?? undefined, iss: peer.origin };
    for (const [name, value] of Object.entries({ ...usual, ...server.redirect })) {
      if (value !== undefined) back.searchParams.set(name, value);
    }
    return { status: 302, headers: { location: back.href } };
  });

  peer.route("/token", (request) => {
    const grantType = request.form.get("grant_type") ?? "";
    const refusal = refusals.get(grantType);
    if (refusal !== undefined && refusal.left-- > 0) {
      return { status: refusal.status, body: { error: refusal.error } };
    }
    if (grantType === "authorization_code") return redeem(request, codes, issue);
    if (grantType === "refresh_token") return rotate(request, refreshTokens, issue);
    return issue(grantOf(request));
  });
  return server;
}

function redeem(
  request: Received,
  codes: Map<string, Code>,
  issue: (grant: Issued) => Reply,
): Reply {
  const code = codes.get(request.form.get("code") ?? "");
  codes.delete(request.form.get("code") ?? "");
  const verifier = request.form.get("code_verifier") ?? "";
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const fits =
    code !== undefined &&
    code.challenge === challenge &&
    code.redirectUri === request.form.get("redirect_uri") &&
    code.resource === request.form.get("resource");
  if (!fits) return { status: 400, body: { error: "invalid_grant" } };
  return issue({ scope: code.scope, resource: code.resource, clientId: code.clientId });
}

/** A refresh token works once. */
function rotate(
  request: Received,
  refreshTokens: Map<string, Issued>,
  issue: (grant: Issued) => Reply,
): Reply {
  const token = request.form.get("refresh_token") ?? "";
  const grant = refreshTokens.get(token);
  refreshTokens.delete(token);
  return grant === undefined ? { status: 400, body: { error: "invalid_grant" } } : issue(grant);
}

function grantOf({ form, headers }: Received): Issued {
  const basic = String(headers["authorization"] ?? "").replace("Basic ", "");
  const [clientId = ""] = atob(basic).split(":");
  return {
    scope: form.get("scope") ?? "",
    resource: form.get("resource"),
    clientId: form.get("client_id") ?? clientId,
  };
}

function without(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
