import { createHash } from "node:crypto";
import { type Clock, checkMembers, systemClock, wholeNumber } from "@backplane/protocol";
import type { UserInteraction } from "../client/user-interaction.ts";
import { createTokenSigner, type TokenSigner } from "./oauth-tokens.ts";
import {
  type ReceivedRequest,
  type ScriptedPeer,
  type ScriptedReply,
  startScriptedPeer,
} from "./scripted-peer.ts";

/** What an issued access token stands for. */
export interface IssuedToken {
  /** Scopes, separated by spaces. */
  readonly scope: string;
  /** The MCP server that it is for; null when none was named. */
  readonly resource: string | null;
  readonly clientId: string;
  /** Who signed in; of a machine, its client id. */
  readonly subject?: string;
  /** When it ends, milliseconds since the epoch. */
  readonly expiresAtMs?: number;
}

/** What `startOAuthServer` takes. */
export interface OAuthServerOptions {
  /** `jwt` are signed with ES256 by a key of this server, which `/jwks` shows. Default `opaque`. */
  readonly accessTokens?: "opaque" | "jwt";
  /** How long an access token is good, in seconds; a whole number of 1 or more. Default 3,600. */
  readonly expiresInS?: number;
  /** Who signs in at `/authorize`. Default "user". */
  readonly subject?: string;
  /** Secrets of machines, by client id; others are let in unless this is given. */
  readonly clients?: Readonly<Record<string, string>>;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * A small authorization server that does what a test tells it, lies included: authorization code with PKCE
 * and resource indicators, rotating refresh tokens, client credentials, JWT bearer, dynamic registration,
 * introspection. Everybody who comes to `/authorize` has signed in and agrees. For tests only.
 */
export interface ScriptedOAuthServer extends ScriptedPeer {
  /** Its identifier; the same as `origin`. */
  readonly issuer: string;
  /** Members of the metadata that replace the usual ones; undefined takes one away. */
  readonly metadata: Record<string, unknown>;
  /** Parameters of the redirect that replace the usual ones; undefined takes one away. */
  readonly redirect: Record<string, string | undefined>;
  /** Members of token responses that replace the usual ones; undefined takes one away. */
  readonly tokenResponse: Record<string, unknown>;
  /** The access tokens that are good; what is taken out of it is revoked. */
  readonly issued: Map<string, IssuedToken>;
  /** The scopes that users were asked for, in order. */
  readonly asked: (string | null)[];
  /** The next requests of this grant fail with this error, `times` of them; by default all. */
  refuse(grantType: string, error: string, options?: { status?: number; times?: number }): void;
  /** An access token without any flow. */
  issueToken(token: Partial<IssuedToken> & { readonly resource: string }): Promise<string>;
}

interface Code extends IssuedToken {
  readonly challenge: string | null;
  readonly redirectUri: string | null;
}

const INVALID_GRANT: ScriptedReply = { status: 400, body: { error: "invalid_grant" } };

/** Over all servers, so that a credential of one is never by chance one of another. */
let serial = 0;

/** Starts one on a free port of 127.0.0.1. @throws {TypeError} that names an illegal option. */
export async function startOAuthServer(
  options: OAuthServerOptions = {},
): Promise<ScriptedOAuthServer> {
  const known = ["accessTokens", "expiresInS", "subject", "clients", "clock"];
  checkMembers("startOAuthServer", options, known);
  const { accessTokens = "opaque", subject = "user", clients, clock = systemClock } = options;
  const expiresInS = wholeNumber("startOAuthServer", "expiresInS", options.expiresInS ?? 3600);
  if (accessTokens !== "opaque" && accessTokens !== "jwt") {
    throw new TypeError('startOAuthServer: option "accessTokens" must be "opaque" or "jwt"');
  }
  const peer = await startScriptedPeer();
  const issuer = peer.origin;
  const signer = await createTokenSigner(issuer);
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, IssuedToken>();
  const refusals = new Map<string, { error: string; status: number; left: number }>();

  const server: ScriptedOAuthServer = {
    ...peer,
    issuer,
    metadata: {},
    redirect: {},
    tokenResponse: {},
    issued: new Map(),
    asked: [],
    refuse(grantType, error, { status = 400, times = Number.POSITIVE_INFINITY } = {}) {
      refusals.set(grantType, { error, status, left: times });
    },
    issueToken: (token) =>
      mint(server, signer, accessTokens, {
        scope: "",
        clientId: "test",
        subject,
        expiresAtMs: clock.now() + expiresInS * 1000,
        ...token,
      }),
  };

  const grant = async (given: IssuedToken): Promise<ScriptedReply> => {
    const token = { ...given, expiresAtMs: clock.now() + expiresInS * 1000 };
    const accessToken = await mint(server, signer, accessTokens, token);
    const refreshToken = `refresh-${++serial}`;
    refreshTokens.set(refreshToken, given);
    return {
      body: without({
        access_token: accessToken,
        refresh_token: refreshToken,
        token_type: "Bearer",
        expires_in: expiresInS,
        scope: given.scope === "" ? undefined : given.scope,
        ...server.tokenResponse,
      }),
    };
  };

  peer.route("/.well-known/oauth-authorization-server", () => ({
    body: without({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      introspection_endpoint: `${issuer}/introspect`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
      ...server.metadata,
    }),
  }));
  peer.route("/jwks", () => ({ body: { keys: [signer.publicKey] } }));
  peer.route("/register", ({ text }) => ({
    status: 201,
    body: { ...(JSON.parse(text) as object), client_id: `client-${++serial}` },
  }));
  peer.route("/introspect", ({ form }) => {
    const token = server.issued.get(form.get("token") ?? "");
    return { body: introspected(issuer, token, clock.now()) };
  });
  peer.route("/authorize", ({ query }) => {
    server.asked.push(query.get("scope"));
    const code = `code-${++serial}`;
    codes.set(code, {
      challenge: query.get("code_challenge"),
      redirectUri: query.get("redirect_uri"),
      clientId: query.get("client_id") ?? "",
      scope: query.get("scope") ?? "",
      resource: query.get("resource"),
      subject,
    });
    const back = new URL(query.get("redirect_uri") ?? "");
    const usual = { code, state: query.get("state") ?? undefined, iss: issuer };
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
    if (grantType === "authorization_code") {
      const code = redeemed(request, codes);
      return code === undefined ? INVALID_GRANT : grant(code);
    }
    if (grantType === "refresh_token") {
      const token = rotated(request, refreshTokens);
      return token === undefined ? INVALID_GRANT : grant(token);
    }
    const machine = machineOf(request);
    if (clients !== undefined && clients[machine.clientId] !== machine.secret) {
      return { status: 401, body: { error: "invalid_client" } };
    }
    return grant({
      scope: request.form.get("scope") ?? "",
      resource: request.form.get("resource"),
      clientId: machine.clientId,
      subject: machine.clientId,
    });
  });
  return server;
}

/** A user in front of a browser who agrees to everything at once. Where they went is kept. */
export function willingUser(): UserInteraction & { readonly visited: URL[] } {
  const visited: URL[] = [];
  return {
    visited,
    async authorize(url, { signal }) {
      visited.push(url);
      const response = await fetch(url, { redirect: "manual", signal });
      return new URL(response.headers.get("location") ?? "").searchParams;
    },
  };
}

async function mint(
  server: ScriptedOAuthServer,
  signer: TokenSigner,
  kind: "opaque" | "jwt",
  token: IssuedToken,
): Promise<string> {
  serial++;
  const text = kind === "opaque" ? `access-${serial}` : await signer.sign(token, `${serial}`);
  server.issued.set(text, token);
  return text;
}

function redeemed({ form }: ReceivedRequest, codes: Map<string, Code>): IssuedToken | undefined {
  const code = codes.get(form.get("code") ?? "");
  codes.delete(form.get("code") ?? "");
  const verifier = form.get("code_verifier") ?? "";
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const fits =
    code !== undefined &&
    code.challenge === challenge &&
    code.redirectUri === form.get("redirect_uri") &&
    code.resource === form.get("resource");
  if (!fits) return undefined;
  const { scope, resource, clientId, subject } = code;
  return { scope, resource, clientId, ...(subject !== undefined && { subject }) };
}

/** A refresh token works once. */
function rotated(
  { form }: ReceivedRequest,
  refreshTokens: Map<string, IssuedToken>,
): IssuedToken | undefined {
  const token = form.get("refresh_token") ?? "";
  const given = refreshTokens.get(token);
  refreshTokens.delete(token);
  return given;
}

function machineOf({ form, headers }: ReceivedRequest): { clientId: string; secret: string } {
  const basic = String(headers["authorization"] ?? "").replace("Basic ", "");
  const [id = "", secret = ""] = atob(basic).split(":").map(decodeURIComponent);
  return {
    clientId: form.get("client_id") ?? id,
    secret: form.get("client_secret") ?? secret,
  };
}

/** RFC 7662, section 2.2. */
function introspected(issuer: string, token: IssuedToken | undefined, nowMs: number): object {
  if (token === undefined || (token.expiresAtMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
    return { active: false };
  }
  return without({
    active: true,
    iss: issuer,
    sub: token.subject ?? token.clientId,
    aud: token.resource ?? undefined,
    client_id: token.clientId,
    scope: token.scope,
    token_type: "Bearer",
    exp: token.expiresAtMs && Math.floor(token.expiresAtMs / 1000),
  });
}

function without(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
