import { CHANNELS, type LimitEvent } from "@backplane/protocol";
import type { Call } from "./call.ts";

/** Tells whoever listens that a bound of the server refused something. */
export function limitHit(
  serverId: string,
  limit: LimitEvent["limit"],
  call?: Call,
  retryAfterMs?: number,
  route?: string,
): void {
  if (!CHANNELS.limit.hasSubscribers) return;
  CHANNELS.limit.publish({
    serverId,
    limit,
    context: call,
    target: call === undefined ? undefined : targetName(call),
    retryAfterMs,
    route,
  });
}

/** What the method acts on. No other member counts: a client may send any beside it. */
export function targetName(call: Call): string | undefined {
  const member = call.peer.codec.methods.get(call.method)?.targetMember;
  const target = member === undefined ? undefined : call.params[member];
  return typeof target === "string" ? target : undefined;
}
