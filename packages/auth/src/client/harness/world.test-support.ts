import type { ClientAuth, Logger } from "@backplane/protocol";
import type { ScriptedOAuthServer } from "../../test-suite/oauth-server.ts";
import type {
  ReceivedRequest,
  ScriptedPeer,
  ScriptedReply,
} from "../../test-suite/scripted-peer.ts";
import { startAuthorizationServer } from "./authorization-server.test-support.ts";
import { startPeer } from "./http-peer.test-support.ts";

export const REDIRECT_URL = "http://127.0.0.1:3000/callback";

/** An MCP server that lets in whoever has a token of its authorization server, and that server. */
export interface World {
  readonly as: ScriptedOAuthServer;
  readonly mcp: ScriptedPeer;
  readonly mcpUrl: string;
  /** Members of the resource's metadata that replace the usual ones. */
  readonly resourceMetadata: Record<string, unknown>;
  /** The refusal of a request, or undefined to let it in. Replace it to change the rules. */
  refuse(request: ReceivedRequest): ScriptedReply | undefined;
}

const METADATA_PATH = "/.well-known/oauth-protected-resource/mcp";

export async function startWorld(): Promise<World> {
  const as = await startAuthorizationServer();
  const mcp = await startPeer();
  const world: World = {
    as,
    mcp,
    mcpUrl: `${mcp.origin}/mcp`,
    resourceMetadata: {},
    refuse: (request) => (as.issued.has(tokenOf(request)) ? undefined : unauthorized(world)),
  };
  mcp.route(METADATA_PATH, () => ({
    body: {
      resource: world.mcpUrl,
      authorization_servers: [as.origin],
      ...world.resourceMetadata,
    },
  }));
  mcp.route("/mcp", (request) => world.refuse(request) ?? { body: { ok: true } });
  return world;
}

export function tokenOf({ headers }: ReceivedRequest): string {
  return String(headers["authorization"] ?? "").split(" ")[1] ?? "";
}

/** 401 with the usual challenge; `parameters` are added to it. */
export function unauthorized(world: World, parameters = ""): ScriptedReply {
  const metadata = `resource_metadata="${world.mcp.origin}${METADATA_PATH}"`;
  return { status: 401, headers: { "www-authenticate": `Bearer ${metadata}${parameters}` } };
}

/** 403 that asks for more. */
export function insufficientScope(scope: string): ScriptedReply {
  const challenge = `Bearer error="insufficient_scope", scope="${scope}"`;
  return { status: 403, headers: { "www-authenticate": challenge } };
}

/** One request of an MCP client with these credentials: it does what the seam asks of a client. */
export async function send(auth: ClientAuth, url: string): Promise<number> {
  for (let challenges = 0; ; challenges++) {
    const sent = await auth.headers({ method: "POST", url });
    const response = await fetch(url, { method: "POST", headers: { ...sent }, body: "{}" });
    await response.body?.cancel();
    const { status, headers } = response;
    if ((status !== 401 && status !== 403) || challenges === 5) return status;
    const challenge = { status, headers: Object.fromEntries(headers), url, sent };
    if ((await auth.onChallenge(challenge)) === "fail") return status;
  }
}

/** What was logged, as one text, to look for what must not be there. */
export function recordingLogger(): Logger & { readonly text: () => string } {
  const entries: unknown[] = [];
  const log = (fields: object, message: string): void => void entries.push({ ...fields, message });
  return { debug: log, info: log, warn: log, error: log, text: () => JSON.stringify(entries) };
}
