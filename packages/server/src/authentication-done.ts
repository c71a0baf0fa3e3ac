import {
  type AuthenticationEvent,
  type AuthenticationOutcome,
  CHANNELS,
} from "@backplane/protocol";

/**
 * Tells whoever listens what an authenticator said of a credential.
 * @param peer who brought it; looked at only if somebody listens.
 * @param route what it was for, beside MCP.
 */
export function authenticationDone(
  serverId: string,
  transport: AuthenticationEvent["transport"],
  peer: { readonly remoteAddress: string | undefined } | undefined,
  outcome: AuthenticationOutcome,
  route?: string,
): void {
  if ("principal" in outcome) {
    if (!CHANNELS.authenticated.hasSubscribers) return;
    const { principal } = outcome;
    CHANNELS.authenticated.publish({
      serverId,
      transport,
      remoteAddress: peer?.remoteAddress,
      principal,
      status: undefined,
      stage: undefined,
      route,
    });
  } else if (CHANNELS.authenticationRefused.hasSubscribers) {
    const { status, stage } = outcome.failure;
    CHANNELS.authenticationRefused.publish({
      serverId,
      transport,
      remoteAddress: peer?.remoteAddress,
      principal: undefined,
      status,
      stage,
      route,
    });
  }
}
