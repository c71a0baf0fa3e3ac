import type { ClientAuth } from "@backplane/protocol";
import type { ResolvedTokenSourceOptions } from "./common-options.ts";
import { lazyDpop } from "./dpop.ts";
import type { Grant } from "./flow.ts";
import { ResourceSession, type SessionOptions } from "./resource-session.ts";

/** Servers that one token source knows at once. A server can name any number of URLs of its own. */
const MAX_SESSIONS = 256;

/** Credentials for any number of MCP servers, got in the way that `grant` describes when they ask for it. */
export function createTokenSource(
  grant: Grant,
  options: ResolvedTokenSourceOptions,
  { offlineAccess = false }: { readonly offlineAccess?: boolean } = {},
): ClientAuth {
  const sessionOptions: SessionOptions = {
    ...options,
    grant,
    offlineAccess,
    dpopSession: options.dpop && lazyDpop(options.dpop),
  };
  const sessions = new Set<ResourceSession>();

  /** The session whose tokens are for this very URL, or for the narrowest folder that holds it. */
  function find(url: URL): ResourceSession | undefined {
    let best: ResourceSession | undefined;
    let bestReach = -1;
    for (const session of sessions) {
      const reach = session.reach(url) ?? -1;
      if (reach > bestReach) [best, bestReach] = [session, reach];
    }
    return best;
  }

  function open(url: URL): ResourceSession {
    const session = new ResourceSession(url, sessionOptions);
    sessions.add(session);
    for (const oldest of sessions) {
      if (sessions.size <= MAX_SESSIONS) break;
      sessions.delete(oldest);
    }
    return session;
  }

  return {
    // Nothing is sent before a server has said that it wants something, and whose tokens it takes.
    headers: async (request) => (await find(new URL(request.url))?.headers(request)) ?? {},
    onChallenge: (response) => {
      const url = new URL(response.url);
      return (find(url) ?? open(url)).onChallenge(response);
    },
  };
}
